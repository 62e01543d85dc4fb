// Under a due date: three, five, ten working days with a tap, and a word when the chosen day is off.

import { deviceTime } from "./ids.js";

// Whether offices are closed on that day, given the days that are not what their weekday says.
export function isClosed(day, off, on) {
  const [year, month, date] = day.split("-").map(Number);
  const weekday = new Date(Date.UTC(year, month - 1, date)).getUTCDay();
  return off.includes(day) || ((weekday === 0 || weekday === 6) && !on.includes(day));
}

/** The n-th working day after that day. */
export function workdayAfter(day, n, off, on) {
  for (let at = new Date(day), left = n; ; ) {
    at.setUTCDate(at.getUTCDate() + 1);
    const one = at.toISOString().slice(0, 10);
    if (!isClosed(one, off, on)) left -= 1;
    if (left <= 0) return one;
  }
}

// On a kept page today is another day than when the days were reckoned.
function renew(buttons, off, on) {
  const { dataset: { cached }, lang } = document.documentElement;
  if (!cached) return;
  const words = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", weekday: "short", timeZone: "UTC" });
  for (const button of buttons) {
    button.dataset.date = workdayAfter(deviceTime().slice(0, 10), Number(button.dataset.days), off, on);
    button.querySelector(".due-date").textContent = words.format(new Date(button.dataset.date));
  }
}

export default (row) => {
  const field = document.getElementById(row.dataset.for);
  if (!field) return;
  const hint = row.querySelector("[data-hint]");
  const [off, on] = [row.dataset.off.split(" "), row.dataset.on.split(" ")];
  renew(row.querySelectorAll("[data-date]"), off, on);
  const show = () => {
    for (const button of row.querySelectorAll("[data-date]")) button.setAttribute("aria-pressed", String(button.dataset.date === field.value));
    hint.textContent = field.value && isClosed(field.value, off, on) ? row.dataset.closed : "";
  };
  field.addEventListener("change", show);
  field.addEventListener("input", show);
  show();
};
