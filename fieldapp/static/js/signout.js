// Signing out: says what is not sent yet and what becomes of it, forgets the pages and the key, and does so without a
// network too; then the server is told as soon as there is one.

import { counts } from "./outbox/queue.js";
import { finishSignOut, leave } from "./people.js";

export default (form) => {
  const { user } = document.documentElement.dataset;
  const [warning, button] = [form.querySelector("[data-warning]"), form.querySelector("button[type=submit]")];
  let busy = false;

  async function out() {
    const { waiting } = await counts(user);
    if (waiting && warning.hidden) {
      warning.querySelector("[data-count]").textContent = waiting;
      warning.hidden = false;
      warning.focus();
      button.lastChild.textContent = form.dataset.sayAnyway;
      return false;
    }
    await leave(user);
    await finishSignOut(new FormData(form).get("csrf_token"));
    location.replace(form.dataset.after);
    return true;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    button.setAttribute("aria-disabled", "true");
    try {
      if (await out()) return;
    } catch {
      form.submit(); // no database: nothing is kept here, and the server signs out as ever
    }
    busy = false;
    button.removeAttribute("aria-disabled");
  });
};
