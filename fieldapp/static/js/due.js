// Under a due date: three, five, ten working days with a tap, and a word when the chosen day is off.

// Whether offices are closed on that day, given the days that are not what their weekday says.
export function isClosed(day, off, on) {
  const [year, month, date] = day.split("-").map(Number);
  const weekday = new Date(Date.UTC(year, month - 1, date)).getUTCDay();
  return off.includes(day) || ((weekday === 0 || weekday === 6) && !on.includes(day));
}

export default (row) => {
  const field = document.getElementById(row.dataset.for);
  if (!field) return;
  const hint = row.querySelector("[data-hint]");
  const [off, on] = [row.dataset.off.split(" "), row.dataset.on.split(" ")];
  row.hidden = false;
  const show = () => {
    for (const button of row.querySelectorAll("[data-date]")) button.setAttribute("aria-pressed", String(button.dataset.date === field.value));
    hint.textContent = field.value && isClosed(field.value, off, on) ? row.dataset.closed : "";
  };
  row.addEventListener("click", (event) => {
    const button = event.target.closest("[data-date]");
    if (!button) return;
    field.value = button.dataset.date;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  field.addEventListener("change", show);
  field.addEventListener("input", show);
  show();
};
