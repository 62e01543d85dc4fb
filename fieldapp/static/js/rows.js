// One more row of a form, out of the template beside its button: no network is asked. Names hold __n__ for the number.

import { attach } from "./app.js";

/** The box whose rows are called `name`-0-…, or undefined. */
export const boxOf = (form, name) => [...form.querySelectorAll("[data-most]")].find((box) => box.querySelector("template")?.innerHTML.includes(`name="${name}-__n__-`));

/** Put in row number n, or the next; nothing where there are enough. */
export function add(box, n) {
  const html = box.querySelector("template").innerHTML;
  const name = /name="(\w+)-__n__-/.exec(html)[1];
  const there = [...box.closest("form").querySelectorAll(`[name^="${name}-"]`)].map((field) => Number(field.name.split("-")[1]));
  const number = n ?? Math.max(-1, ...there) + 1;
  const most = Number(box.dataset.most);
  const button = box.querySelector("button");
  if (number >= most || there.includes(number)) return null;
  box.insertAdjacentHTML("beforebegin", html.replaceAll("__n__", number).replaceAll("__nth__", number + 1));
  const row = box.previousElementSibling;
  for (const one of row.querySelectorAll("[data-remove-row]")) one.hidden = false;
  attach(row);
  if (button) {
    button.hidden = number + 1 >= most;
    if (box.dataset.sayMore) button.querySelector("span").textContent = box.dataset.sayMore;
  }
  return row;
}

export default (box) => box.querySelector("button")?.addEventListener("click", (event) => {
  event.preventDefault();
  add(box)?.querySelector("input:not([type=hidden])").focus();
});
