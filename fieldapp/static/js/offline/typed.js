// The number under the code, typed without a network: looked up among the enterprises of the pack.
import { codesOf } from "./codes.js";

export default (form) => {
  form.addEventListener("submit", (event) => {
    const { user, cached } = document.documentElement.dataset;
    if (navigator.onLine && !cached) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const field = form.elements.code;
    const number = field.value.replace(/\D/g, "");
    codesOf(user).then((codes) => {
      const found = number && codes.find((one) => one[3] === number);
      if (found) { location.assign(`/enterprises/${found[0]}`); return; }
      const line = form.querySelector("[data-not-here]");
      line.hidden = false;
      field.focus();
    });
  }, true);
};
