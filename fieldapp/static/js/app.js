// The page's own hands: ids made at submit, double taps, small comforts. Every form works without this file.

const tidy = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

// UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness. Made on the phone, once, at submit.
export function uuid7(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(16))) {
  const bytes = random.slice();
  for (let i = 5, rest = now; i >= 0; i -= 1, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return tidy(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

// Local wall clock with its offset, as the phone believes it.
export function deviceTime(date = new Date()) {
  const pad = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day}T${time}${offset < 0 ? "-" : "+"}${pad(offset / 60)}:${pad(offset % 60)}`;
}

const modules = {
  // A form that changes something: give it its ids, and let it go once.
  submit(form) {
    let sent = false;
    const buttons = () => [...form.querySelectorAll("button[type=submit]"), ...document.querySelectorAll(`button[form="${form.id || "-"}"]`)];
    form.addEventListener("submit", (event) => {
      if (sent) { event.preventDefault(); event.stopImmediatePropagation(); return; }
      // Ids stay on the form: trying again sends the same entry, and the server answers it once.
      for (const field of form.querySelectorAll("[data-new-id]")) if (!field.value) field.value = uuid7();
      for (const field of form.querySelectorAll("[data-device-time]")) field.value = deviceTime();
      sent = true;
      for (const button of buttons()) { button.setAttribute("aria-disabled", "true"); button.classList.add("is-busy"); }
    }, true);
    const free = () => {
      sent = false;
      for (const button of buttons()) { button.removeAttribute("aria-disabled"); button.classList.remove("is-busy"); }
    };
    // Coming back through history: the form may be sent again, but what was typed since is a new entry.
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      free();
      for (const field of form.querySelectorAll("[data-new-id]")) field.value = "";
    });
    form.addEventListener("htmx:after:request", free);
    form.addEventListener("htmx:error", free);
  },

  // Three days, a week, two weeks: a tap instead of a calendar.
  days(row) {
    const field = document.getElementById(row.dataset.for);
    row.hidden = false;
    row.addEventListener("click", (event) => {
      const button = event.target.closest("[data-date]");
      if (button) { field.value = button.dataset.date; field.dispatchEvent(new Event("change", { bubbles: true })); }
    });
  },

  reveal(box) {
    const [field, button] = [box.querySelector("input"), box.querySelector("button")];
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = field.type === "text";
      field.type = shown ? "password" : "text";
      button.setAttribute("aria-pressed", String(!shown));
    });
  },

  focus(element) { element.focus(); },

  // The arrow goes where the officer came from, so the list is found where it was left.
  back(link) {
    link.addEventListener("click", (event) => {
      let here = false;
      try { here = new URL(document.referrer).origin === location.origin; } catch { here = false; }
      if (here && history.length > 1) { event.preventDefault(); history.back(); }
    });
  },

  // Choosing a filter is asking for it; typing waits for Enter or a pause.
  filters(form) {
    form.addEventListener("change", (event) => { if (event.target.tagName === "SELECT") form.requestSubmit(); });
    form.addEventListener("submit", () => { for (const field of form.elements) if (field.name && !field.value) field.disabled = true; });
    window.addEventListener("pageshow", () => { for (const field of form.elements) field.disabled = false; });
  },
};

function attach(root) {
  for (const element of root.querySelectorAll("[data-module]")) {
    for (const name of element.dataset.module.split(" ")) {
      if (modules[name]) modules[name](element);
      else import(`./${name}.js`).then((module) => module.default(element));
    }
    element.removeAttribute("data-module");
  }
}

attach(document);
document.addEventListener("htmx:after:swap", () => attach(document));

// The notice has been read; a reload should not tell it again.
if (document.querySelector("[data-notice]")) {
  const address = new URL(location.href);
  address.searchParams.delete("notice");
  history.replaceState(history.state, "", address);
}
