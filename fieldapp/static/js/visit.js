// The visit form's own comforts: nobody or somebody, rows that can be taken away and put back, a line when nothing was sent.

// What was typed into a row, so that taking it away can name it; "" when there is nothing to lose.
export function typedIn(row) {
  const fields = [...row.querySelectorAll("input:not([type=hidden]), textarea")];
  const first = fields.find((field) => field.value.trim());
  return first ? first.value.trim().slice(0, 24) : "";
}

function takeAway(row, button) {
  const words = typedIn(row);
  const next = row.parentElement.querySelector("[name=add]");
  if (!words) { row.remove(); next?.focus(); return; }
  // A disabled fieldset is not sent; it keeps what was typed for a change of mind.
  row.disabled = true;
  const line = document.createElement("div");
  line.className = "note note-mute";
  const inner = document.createElement("div");
  inner.className = "undone";
  const said = document.createElement("span");
  said.textContent = `${button.dataset.sayRemoved} ${words}`;
  const back = document.createElement("button");
  back.type = "button";
  back.className = "btn btn-sm";
  back.textContent = button.dataset.sayBack;
  back.addEventListener("click", () => { row.disabled = false; line.remove(); row.querySelector("input:not([type=hidden])").focus(); });
  inner.append(said, back);
  line.append(inner);
  line.setAttribute("role", "status");
  row.after(line);
  back.focus();
}

export default (form) => {
  const nobody = form.querySelector("#met_nobody");
  form.addEventListener("change", (event) => {
    if (event.target === nobody && nobody.checked) for (const box of form.querySelectorAll("input[name=met]")) box.checked = false;
    else if (event.target.name === "met" && event.target.checked) nobody.checked = false;
  });
  form.addEventListener("input", (event) => { if (/^new_contacts-\d+-name$/.test(event.target.name) && event.target.value) nobody.checked = false; });

  for (const button of form.querySelectorAll("[data-remove-row]")) button.hidden = false;
  form.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-row]");
    if (button) takeAway(button.closest("[data-row]"), button);
  });

  // The keyboard's own key puts the keyboard away; a visit is sent by its button, not by a slip of the thumb.
  form.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=checkbox], [type=radio], [type=file])");
    if (event.key === "Enter" && typing && !event.isComposing) { event.preventDefault(); event.target.blur(); }
  });

  // Without a network nobody else says so: it would wait for one, and be sent back then.
  const unmet = form.querySelector("[data-unmet]");
  form.addEventListener("sending", (event) => {
    const met = nobody.checked || form.querySelector("input[name=met]:checked") || [...form.querySelectorAll("[name^=new_contacts-][name$=-name]:enabled")].some((field) => field.value.trim());
    unmet.hidden = Boolean(met) || navigator.onLine || event.detail?.value !== "record";
    if (unmet.hidden) return;
    event.preventDefault();
    form.querySelector("#met").focus({ preventScroll: true });
    unmet.scrollIntoView({ block: "center" });
  });

  const unsent = form.querySelector("[data-unsent]");
  form.addEventListener("submit", () => { unsent.hidden = true; });
  form.addEventListener("htmx:error", () => {
    unsent.hidden = false;
    unsent.scrollIntoView({ block: "center" });
  });
};
