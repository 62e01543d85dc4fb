// How things stand, on every page: one line under the top bar, the numbers on the bars, the app's icon. The words stand
// in templates/offline/_base.html; what shows where is decided by data-off, data-waits and data-stuck on <html>.

import { filled, isToday, when } from "../ids.js";
import { counts, list, watchChanges } from "./queue.js";

const DAY = 86_400_000;
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g;

// ---- words, without page -------------------------------------------------------------------------------------

/** A span of time in a language: 5 分钟, 26 小时, 3 天. */
export function span(ms, lang) {
  const minutes = Math.max(1, Math.floor(ms / 60_000));
  const [n, unit] = minutes < 60 ? [minutes, "minute"] : minutes < 2880 ? [minutes / 60, "hour"] : [minutes / 1440, "day"];
  const text = new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "long" }).format(Math.floor(n));
  return text.replace(/^(\d+)(?=[^\d\s])/, "$1 ");
}

/** The sentence `data-say-<key>` of an element with its values; `-one` of it where n is 1 and there is one. */
export function say({ dataset }, key, values = {}) {
  const name = `say${key[0].toUpperCase()}${key.slice(1)}`;
  const words = (values.n === 1 && dataset[`${name}One`]) || dataset[name] || "";
  return filled(words, values);
}

/** Whether an entry changes what a page at this path with these links shows. */
export function shownOn(path, links) {
  const ids = new Set([path, ...links].join(" ").match(UUID));
  const [company] = path.match(/^\/enterprises\/\d+/) || [];
  return ({ keys, url }) => keys.some((key) => ids.has(key)) || Boolean(company && `${url}/`.startsWith(`${company}/`));
}

// ---- page ----------------------------------------------------------------------------------------------------

const is = { offline: globalThis.navigator?.onLine === false, waiting: 0, stuck: 0, oldest: 0, here: 0 };
const TOLD = ["ended", "signin", "full", "nodb"];

export default function attach(bar) {
  const root = document.documentElement;
  const { lang, dataset: { user, cached } } = root;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const write = (node, words) => { if (words && node.textContent !== words) node.textContent = words; };
  let soon = 0;
  is.full = false; // another page: the form it was said of is no longer here

  function show() {
    if (!bar.isConnected) { leave(); clearInterval(minutely); return; } // the page's body has been exchanged
    const { waiting: n, stuck } = is;
    const offline = is.offline || (cached && !is.reached);
    const waited = Date.now() - is.oldest;
    // What a page of another day calls today and tomorrow is not what they are now.
    const copy = cached && !document.querySelector("[data-shell]") && say(bar, isToday(+cached) ? "copy" : "older", { age: span(Date.now() - cached, lang), at: when(+cached) });
    const here = is.here && say(bar, "here", { n: is.here });
    const kind = TOLD.find((name) => is[name]) || (n && waited > DAY ? "loud" : copy ? "copy" : offline ? "offline" : here ? "here" : "");
    const titles = { copy, here, loud: say(bar, "loud", { n, age: span(waited, lang) }) };
    const more = [/copy|offline/.test(kind) && n && say(bar, "kept", { n }), kind !== "copy" && copy, kind !== "here" && here];
    for (const note of bar.querySelectorAll("[data-banner]")) {
      note.hidden = note.dataset.banner !== kind;
      if (note.hidden) continue;
      write(note.querySelector("strong"), titles[kind]);
      write(note.querySelector("[data-more]"), more.filter(Boolean).join(" ") || " ");
    }
    for (const [name, on] of [["off", offline], ["waits", n], ["stuck", stuck]]) root.toggleAttribute(`data-${name}`, Boolean(on));
    for (const number of all("[data-n]")) number.textContent = stuck || n;
    (n ? navigator.setAppBadge?.(n) : navigator.clearAppBadge?.())?.catch(() => {});
  }

  async function look() {
    try {
      Object.assign(is, await counts(user), { nodb: false });
      const queued = all("[data-key] > [data-unsent]:not([hidden])").length;
      // Where the page's own head made way for "kept on this phone", that is the head now.
      if (!document.querySelector("h1")) for (const head of all(".outbox-queued h2")) { for (const [name, value] of [["role", "heading"], ["aria-level", 1]]) head.setAttribute(name, value); }
      const entries = is.waiting || queued ? await list(user) : [];
      const links = all("main [href], main [action]").map((at) => at.getAttribute("href") || at.getAttribute("action"));
      const shown = shownOn(location.pathname, links);
      const open = all("[name=entry_id]").map(({ value }) => value); // sent back and being put right: the page shows it
      is.here = queued || document.querySelector(".outbox") ? 0 : entries.filter((entry) => entry.state !== "done" && !open.includes(entry.key) && shown(entry)).length;
      for (const entry of entries) if (entry.state === "done") sent(entry);
    } catch {
      is.nodb = true;
    }
    show();
  }

  /** What said "kept on this phone" says "sent" now; nothing else on the page changes. */
  function sent({ key, location: to }) {
    for (const box of all(`[data-key="${key}"]`)) {
      const [unsent, done, link] = ["unsent", "sent", "location"].map((name) => box.querySelector(`[data-${name}]`));
      if (!done) continue;
      [unsent.hidden, done.hidden] = [true, false];
      if (to) link.href = to;
    }
  }

  const leave = watchChanges((news) => {
    const { kind } = news;
    if (kind === "sent") sent(news);
    if (kind === "net") [is.offline, is.reached] = [!news.ok, news.ok];
    if (TOLD.includes(kind)) is[kind] = true;
    if (kind === "safe") is.full = false; // not for a change elsewhere: what is typed here is still nowhere
    if (kind === "session") Object.assign(is, { signin: false, ended: false, offline: false, reached: true });
    if (kind !== "changed") { show(); return; }
    clearTimeout(soon);
    soon = setTimeout(look, 50);
  });
  for (const name of ["online", "offline"]) addEventListener(name, () => { is.offline = name === "offline"; show(); });
  for (const button of all(".actionbar button[form]")) {
    const actions = button.closest(".actionbar");
    if (button.form?.matches("[data-outbox]") && !actions.querySelector(".actionbar-note")) actions.prepend(document.importNode(bar.querySelector("template").content, true));
  }
  const minutely = setInterval(show, 60_000);
  document.addEventListener("htmx:after:swap", () => bar.isConnected && look());
  look();
}
