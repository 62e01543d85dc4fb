// A list kept on the phone answers its search box by itself: by name, former name, region, contact, pinyin, initials.
import { codesOf, matches, termsOf } from "./codes.js";

export default async (form) => {
  const { user, cached } = document.documentElement.dataset;
  const rows = [...document.querySelectorAll("#rows > li")];
  if (!cached || !rows.length) return;
  const codes = new Map((await codesOf(user)).map((one) => [String(one[0]), one]));
  const idOf = (row) => /\/enterprises\/(\d+)/.exec(row.querySelector("a").getAttribute("href"))?.[1];
  const heading = document.getElementById("found");
  const field = form.elements.q;
  const show = () => {
    const terms = termsOf(field.value);
    let count = 0;
    for (const row of rows) {
      const code = codes.get(idOf(row)) || [0, row.textContent, "", "", "", ""];
      row.hidden = !matches(code, terms);
      count += row.hidden ? 0 : 1;
    }
    heading.textContent = form.dataset.sayFound.replace("{n}", count);
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); event.stopImmediatePropagation(); show(); field.blur(); }, true);
  field.addEventListener("input", show);
  field.value = new URLSearchParams(location.search).get("q") || "";
  show();
};
