// The page's own hands: ids made at submit, double taps, small comforts. Every form works without this file.

import { deviceTime, uuid7 } from "./ids.js";

// Where no worker keeps the scripts, what a tap wants must be here before the network goes.
export const alone = !("serviceWorker" in navigator);

// A module that is fetched when it is wanted: with the first tap on one of its buttons, or `now`.
function wanted(name, element, at, now) {
  let way;
  const load = () => (way ||= import(`./${name}.js`).then((module) => module.default(element), () => { way = null; }));
  if (now || alone) load();
  element.addEventListener("click", (event) => {
    const button = event.target.closest(at);
    if (!button || way) return;
    event.stopPropagation();
    load().then(() => way && button.click());
  }, true);
  return load;
}

// A row of buttons that fill in a field, as if it had been typed. The field.
function taps(row, name, valueOf = String) {
  const field = document.getElementById(row.dataset.for);
  row.hidden = false;
  row.addEventListener("click", ({ target }) => {
    const button = target.closest(`[data-${name}]`);
    if (!button) return;
    field.value = valueOf(button.dataset[name]);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return field;
}

const modules = {
  // A form that changes something: give it its ids, and let it go once. A plain one that can wait for a network is
  // sent by htmx like the others; its answer takes the place of the page.
  submit(form) {
    let [sent, warned] = [false, false];
    const plain = "outbox" in form.dataset && !form.hasAttribute("hx-post");
    const buttons = () => [...form.querySelectorAll("button[type=submit]"), ...document.querySelectorAll(`button[form="${form.id || "-"}"]`)];
    if (plain) {
      const how = { "hx-post": form.getAttribute("action"), "hx-target": "body", "hx-swap": "outerHTML", "hx-sync": "this:drop" };
      for (const [name, value] of Object.entries(how)) form.setAttribute(name, value);
      window.htmx?.process(form);
    }
    form.addEventListener("submit", (event) => {
      const stop = () => { event.preventDefault(); event.stopImmediatePropagation(); };
      // Whoever knows better than to send it says no.
      if (sent || !form.dispatchEvent(new CustomEvent("sending", { cancelable: true, detail: event.submitter }))) { stop(); return; }
      for (const line of document.querySelectorAll("main > [data-refused]")) line.remove();
      if ("online" in form.dataset && !navigator.onLine && !warned) {
        const words = document.getElementById("needs-network")?.content.cloneNode(true);
        if (words) { warned = true; stop(); document.getElementById("main").prepend(words); scrollTo(0, 0); return; }
      }
      if (plain) form.setAttribute("hx-post", event.submitter?.getAttribute("formaction") || form.getAttribute("action"));
      // Ids stay on the form: trying again sends the same entry, and the server answers it once.
      for (const field of form.querySelectorAll("[data-new-id]")) if (!field.value) field.value = uuid7();
      for (const field of form.querySelectorAll("[data-device-time]")) field.value ||= deviceTime(); // or the same entry would say something else
      sent = true;
      for (const button of buttons()) { button.setAttribute("aria-disabled", "true"); button.classList.add("is-busy"); }
    }, true);
    const free = () => {
      sent = false;
      for (const button of buttons()) { button.removeAttribute("aria-disabled"); button.classList.remove("is-busy"); }
    };
    // Coming back through history: the form may be sent again, but what was typed since is a new entry; and what has
    // arrived is not there to be sent a second time.
    window.addEventListener("pageshow", (event) => {
      if (!event.persisted || !form.isConnected) return;
      if (form.dataset.over) { location.reload(); return; }
      free();
      for (const field of form.querySelectorAll("[data-new-id], [data-device-time]")) field.value = "";
    });
    // On the way to another page the button stays down.
    form.addEventListener("htmx:after:request", (event) => { if (!event.detail.ctx?.hx?.redirect) free(); });
    form.addEventListener("htmx:error", free);
  },

  // Three days, a week, two weeks; what is often said: a tap instead of a calendar, of typing.
  days: (row) => taps(row, "days", (days) => deviceTime(new Date(Date.now() + days * 86_400_000)).slice(0, 10)),
  reasons: (row) => taps(row, "say"),

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

  // On a kept page "now" is when it is opened. A phone whose clock was wrong when the page came is as wrong now.
  now(element) {
    const { dataset: { cached }, lang } = document.documentElement;
    if (!cached) return;
    const told = element.dateTime ?? `${element.value}+08:00`;
    const off = Date.parse(told) - cached;
    const now = new Date(Date.now() + (Math.abs(off) > 300_000 ? off : 0));
    if ("dateTime" in element) element.textContent = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short", hourCycle: "h23" }).format(now);
    else element.defaultValue = element.value = deviceTime(now).slice(0, 16); // nobody has typed it
  },

  place(section) {
    const first = section.querySelector("[data-first]");
    if (first) first.hidden = false;
    const load = wanted("place", section, "[data-ask]", !first || section.querySelector("[name=lat]").value);
    section.addEventListener("change", (event) => { if (event.target.name === "lat") load(); });
  },

  // Working days: the date is set here, at once; what is said about it is fetched with the first one.
  due(row) {
    const field = taps(row, "date");
    const more = () => import("./due.js").then((module) => module.default(row)).catch(() => {});
    if (field.value || alone || document.documentElement.dataset.cached) more();
    else field.addEventListener("change", more, { once: true });
  },

  // The arrow goes where the officer came from, so the list is found where it was left.
  back(link) {
    link.addEventListener("click", (event) => {
      if (document.referrer.startsWith(`${location.origin}/`) && history.length > 1) { event.preventDefault(); history.back(); }
    });
  },

  // Choosing a filter is asking for it; with keys, which pass by what is not meant, Enter asks.
  filters(form) {
    let keys = false;
    const chosen = ({ target }) => target.tagName === "SELECT" && setTimeout(() => form.requestSubmit());
    form.addEventListener("pointerdown", () => { keys = false; });
    form.addEventListener("keydown", (event) => { keys = true; if (event.key === "Enter") chosen(event); });
    form.addEventListener("change", (event) => keys || chosen(event));
    form.addEventListener("submit", () => { for (const field of form.elements) if (field.name && !field.value) field.disabled = true; });
    window.addEventListener("pageshow", () => { for (const field of form.elements) field.disabled = false; });
  },
};

export function attach(root) {
  for (const element of root.querySelectorAll("[data-module]")) {
    for (const name of element.dataset.module.split(" ")) {
      if (modules[name]) modules[name](element);
      else import(`./${name}.js`).then((module) => module.default(element));
    }
    element.removeAttribute("data-module");
  }
}

// ---- answers of forms ----------------------------------------------------------------------------------------

// Enter on a box would press the form's first button, whichever that is.
document.addEventListener("keydown", (event) => { if (event.key === "Enter" && /^(checkbox|radio)$/.test(event.target.type)) event.preventDefault(); });

let refused = null; // the ids of a form that was sent back: put right, it is the same entry
let lost = ""; // where the focus was, when that is exchanged

document.addEventListener("htmx:before:swap", ({ detail: { ctx } }) => {
  const form = ctx.sourceElement;
  refused = null;
  if (ctx.response?.status >= 400 && form.matches("form")) {
    refused = { id: form.id, action: form.getAttribute("action"), ids: [...form.querySelectorAll("[data-new-id]")].map(({ name, value }) => [name, value]) };
  }
  lost = ctx.target.contains?.(document.activeElement) && ctx.target.id;
  if (ctx.target !== document.body) return;
  // A whole page: htmx takes its body and title, so what its head has more comes along here.
  for (const link of new DOMParser().parseFromString(ctx.text, "text/html").head.querySelectorAll("link[rel=stylesheet]")) {
    if (!document.querySelector(`link[href="${link.getAttribute("href")}"]`)) document.head.append(link);
  }
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (refused) {
    const form = refused.id ? document.getElementById(refused.id) : document.querySelector(`form[action="${refused.action}"]`);
    for (const [name, value] of refused.ids) {
      const field = form?.elements[name];
      if (field?.value === "") field.value = value;
    }
  }
  // A bar whose form has gone leads nowhere.
  for (const bar of document.querySelectorAll(".actionbar:not([hidden])")) {
    const away = [...bar.querySelectorAll("button[form]")];
    bar.hidden = away.length > 0 && away.every((button) => !button.form);
  }
  if (ctx.target === document.body) scrollTo(0, 0);
  attach(document);
  const place = lost && document.activeElement === document.body && document.getElementById(lost);
  if (place) (place.querySelector("[aria-invalid]") || place.querySelector("a[href], button"))?.focus({ preventScroll: true });
});

attach(document);

// The notice has been read; a reload should not tell it again.
if (document.querySelector("[data-notice]")) {
  const address = new URL(location.href);
  address.searchParams.delete("notice");
  history.replaceState(history.state, "", address);
}

// Whose phone this is. What others need of it they ask themselves.
if (document.documentElement.dataset.user || location.pathname === "/login") import("./people.js").then(({ start }) => start());
if (document.documentElement.dataset.user) import("./offline/start.js").then(({ start }) => start(document.documentElement.dataset.user));
