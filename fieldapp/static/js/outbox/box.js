// The outbox page: what waits, what the server said, what can be done about it. The page is a shell; everything in it
// comes from this phone's database. Words and shapes stand in templates/offline/outbox.html.

import { isToday, uuid7, when } from "../ids.js";
import { say, span } from "./badge.js";
import { bodyOf, dependants, dropped, idOf, list, put, remove, retry, revise, watchChanges } from "./queue.js";
import { drain } from "./send.js";

const DAY = 86_400_000;
const TOLD = ["revised-too-late", "key-reuse"]; // for good: what was typed can be read here and nowhere else
const SIDES = [1600, 1200, 900, 640]; // a photo that is too large gets smaller step by step

// ---- decisions, without page ---------------------------------------------------------------------------------

/** 1.8 MB, 2 KB. */
export const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** What may be done about an entry, the likeliest first. */
export function actsFor({ state, error, photo, page, location }) {
  if (photo) return [error === "too-large" ? "shrink" : "retry", "drop"];
  if (error === "lost") return ["delete"];
  if (TOLD.includes(error)) return [location && "see", "delete"];
  if (state === "conflict") return [page ? "mine" : "retry", "theirs"];
  return [page && "edit", error !== "invalid" && "retry", "delete"];
}

/** What somebody wrote, among what a form says: no number, day or choice. */
export const wordsIn = (fields) => fields.map(([, value]) => value).filter((value) => typeof value === "string" && /[^\0-\x7f]|\s/.test(value));

const text = (node) => (node ? node.textContent.replace(/\s+/g, " ").trim() : "");

/** What the server's answer says, as plain text: nothing of its markup is taken over. */
export function saidIn(html) {
  const answer = new DOMParser().parseFromString(html || "", "text/html");
  const find = (selector) => text(answer.querySelector(selector));
  return {
    head: find("[role=alert] h2, .empty h1, [data-refused] strong"),
    said: text(answer.querySelector("[data-refused] br")?.nextSibling) || find(".empty > p, .note-bad:not([hidden], #banner *)"),
    why: [...answer.querySelectorAll(answer.querySelector(".errsum li") ? ".errsum li" : ".err")].map(text),
    both: [...answer.querySelectorAll(".versus")].map((pair) => ({
      head: text(pair.closest("fieldset")?.querySelector("legend") || pair.previousElementSibling),
      sides: [...pair.children].sort((a, b) => b.matches(".is-mine") - a.matches(".is-mine")),
    })),
  };
}

// ---- page ----------------------------------------------------------------------------------------------------

export default async function attach(box) {
  const { user } = box.dataset;
  const { lang } = document.documentElement;
  const part = (name) => box.querySelector(`[data-part=${name}]`);
  const make = (tag, words, look = "") => Object.assign(document.createElement(tag), { textContent: words, className: look });
  const tell = (key) => { part("said").textContent = key && say(box, key); };

  /** Fill slots: words as they are, lists as items or spans, nodes among them as they stand. */
  function fill(node, slots) {
    for (const [name, value] of Object.entries(slots)) {
      const slot = node.querySelector(`[data-f=${name}]`);
      if (Array.isArray(value)) slot.replaceChildren(...value.filter(Boolean).map((it) => (it.nodeType ? it : make(slot.tagName === "UL" ? "li" : "span", it))));
      else slot.textContent = value;
    }
    return node;
  }
  const shape = (name, slots) => fill(document.importNode(box.querySelector(`template[data-t=${name}]`).content.firstElementChild, true), slots);
  const picture = (node, name) => { const use = node.querySelector("use"); use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${name}`)); };

  const nth = ({ photo }) => photo && say(box, "photo", photo);
  const names = (entry) => [...(entry.title || "").split(" · "), nth(entry)];
  const late = ({ at }) => Date.now() - at > DAY;
  const waits = ({ at, attempts, for: owner, forName }) => [owner && say(box, "for", { name: forName || "" }), say(box, "saved", { at: when(at) }), attempts > 1 && say(box, "tries", { n: attempts })];

  function able(node, entry, tone, icon) {
    const lead = node.querySelector("[data-lead]");
    lead.classList.add(`tone-${tone}`);
    picture(lead, icon);
    node.dataset.key = entry.key;
    for (const act of actsFor(entry)) {
      if (!act) continue;
      const button = node.querySelector(`[data-act=${act}]`);
      button.hidden = false;
      button.ariaLabel = `${text(button)}: ${entry.title}`;
      if (button.tagName === "A") button.href = act === "see" ? entry.location : `${entry.page.replace(/#.*/, "")}#entry=${entry.key}`;
    }
    return node;
  }

  /** What was refused, and needs its owner. */
  function card(entry) {
    const { state, photo, error, bytes } = entry;
    const { head, said, why, both } = saidIn(entry.answer);
    const ours = error && say(box, `code${error.replace(/(^|-)./g, (start) => start.at(-1).toUpperCase())}`, { size: size(bytes) });
    return able(shape("card", {
      head: photo ? say(box, "photoLost") : head || say(box, state === "conflict" ? "conflict" : "refused"),
      meta: [...names(entry), ...waits(entry)], why: [...why, ...(entry.words || []).map((words) => say(box, "yours", { words }))],
      said: ours || said || (head || why.length || both.length ? "" : say(box, "unsaid")),
      both: both.map(({ head: label, sides }) => {
        const pair = shape("both", { head: label });
        pair.lastElementChild.append(...sides.map((side) => {
          const copy = make("div", "", side.matches(".is-mine") ? "is-mine" : "");
          copy.append(make("span", text(side.firstElementChild)), make("strong", text(side.lastElementChild)));
          return copy;
        }));
        return pair;
      }),
    }), entry, photo ? "warn" : "bad", state === "conflict" ? "git-compare" : photo ? "image" : "triangle-alert");
  }

  /** What waits for its turn. */
  function row(entry) {
    const { photos, at, sending, bytes, photo, kind } = entry;
    const [head, ...rest] = names(entry);
    const node = shape("row", {
      head, size: size(photos.reduce((sum, one) => sum + one.bytes, bytes)),
      meta: [...rest, photos.length && say(box, "photos", { n: photos.length })],
      said: waits(entry).filter(Boolean).join(" · "),
      why: photos.map((one) => { const item = shape("photo", { head: nth(one), size: size(one.bytes) }); item.dataset.key = one.key; return item; }),
      tag: late(entry) ? say(box, "age", { age: span(Date.now() - at, lang) }) : say(box, Date.now() - (sending || 0) < 60_000 ? "sending" : "queued"),
    });
    if (late(entry)) node.querySelector(".tag").classList.add("tag-bad");
    return able(node, entry, "brand", photo ? "image" : kind || "send");
  }

  function done(entry) {
    const [head, ...rest] = names(entry);
    const node = shape("sent", { head, meta: [...rest, entry.photos.length && say(box, "photos", { n: entry.photos.length }), say(box, "sent", { at: when(entry.sentAt) })] });
    if (entry.location) node.querySelector("a").href = entry.location;
    return node;
  }

  const drawn = {};
  /** Show these in their place; what has not changed stays as it is, open or focused. */
  function show(name, entries, draw) {
    const place = part(name);
    place.hidden = !entries.length;
    place.querySelector("[data-count]").textContent = entries.length;
    const items = place.querySelector("[data-items]");
    const nodes = !items ? [] : entries.map((entry) => {
      const sign = name + late(entry) + JSON.stringify(entry);
      const old = drawn[entry.key];
      if (old?.sign === sign) return old.node;
      const node = draw(entry);
      if (old?.node.querySelector("[open]")) node.firstElementChild.open = true;
      drawn[entry.key] = { sign, node };
      return node;
    });
    if (nodes.some((node, at) => items.children[at] !== node) || items?.children.length > nodes.length) items.replaceChildren(...nodes);
  }

  async function look() {
    const entries = await list(user);
    const waiting = entries.filter(({ state }) => state !== "done");
    const open = waiting.filter(({ locked }) => !locked);
    for (const one of open) if (TOLD.includes(one.error)) one.words = wordsIn(await bodyOf(one.key) || []);
    // Photos stand with the words they belong to, while both are in the same list.
    const grouped = (all) => {
      const of = (one) => one.photo && all.find(({ photo, made }) => !photo && made.includes(idOf(one)));
      return all.filter((one) => !of(one)).map((one) => ({ ...one, photos: all.filter((other) => of(other) === one) }));
    };
    const sent = entries.filter(({ state, title }) => state === "done" && title).sort((a, b) => b.sentAt - a.sentAt);
    show("todo", open.filter(({ state }) => state !== "queued"), card);
    show("queue", grouped(open.filter(({ state }) => state === "queued")), row);
    show("locked", waiting.filter(({ locked }) => locked));
    show("sent", grouped(sent), done);
    part("empty").hidden = waiting.length > 0;
    part("carry").hidden = false;
    const today = grouped(sent).filter(({ sentAt }) => isToday(sentAt));
    part("summary").textContent = today.length ? say(box, "summary", { n: today.length, at: when(today[0].sentAt) }) : "";
  }

  // ---- acts ----

  async function sure(entry, others) {
    const ask = box.querySelector("dialog");
    fill(ask, {
      head: names(entry).filter(Boolean).join(" · "), why: others.map((one) => nth(one) || one.title),
      said: say(box, entry.maybe ? "maybe" : "gone") + (others.length ? say(box, "with") : ""),
    });
    ask.returnValue = "";
    ask.onclick = ({ target }) => { const button = target.closest("button"); if (button) ask.close(button.value); };
    ask.showModal();
    await new Promise((resolve) => { ask.addEventListener("close", resolve, { once: true }); });
    return ask.returnValue === "yes";
  }

  async function drop(entry, entries) {
    const ids = new Set((await dependants(entry.key)).map(({ key }) => key));
    const others = entries.filter(({ key }) => ids.has(key));
    if (!await sure(entry, others)) return false;
    for (const { key } of [...others.reverse(), entry]) await remove(key);
    const { photo, title } = entry;
    const id = idOf(entry);
    // The record announces its photos: it is told that this one will not come.
    if (id) await put(...dropped({ user, for: entry.for, title, words: say(box, "dropped"), visit: photo.visit, id }));
    return true;
  }

  async function shrink({ key }) {
    const { smaller } = await import("../photos.js");
    const fields = await bodyOf(key);
    const field = fields.find(([, value]) => value.data);
    const { name, data, ...rest } = field[1];
    for (const side of SIDES) {
      const file = await smaller(new File([data], name, rest), side).catch(() => null);
      if (!file || file.size >= data.byteLength) continue;
      field[1] = file;
      return revise(key, fields, uuid7());
    }
    tell("tooSmall");
    return false;
  }

  box.addEventListener("click", async ({ target }) => {
    const button = target.closest("button[data-act]");
    if (!button) return;
    tell("");
    const entries = await list(user);
    const { key } = button.closest("[data-key]").dataset;
    const entry = entries.find((one) => one.key === key);
    const { act } = button.dataset;
    const gone = act === "delete" || act === "drop";
    if (entry && await (act === "retry" ? retry(key) : act === "shrink" ? shrink(entry) : drop(entry, entries))) {
      drain("tap");
      if (gone) { tell("deleted"); part("said").focus(); } // its button has gone with it
    }
    look();
  });
  document.querySelector("[data-again]").addEventListener("click", async () => {
    for (const { key, state, error } of await list(user)) if (state === "error" && error !== "invalid") await retry(key);
    drain("tap");
  });
  for (const control of box.querySelectorAll("[data-carry]")) control.addEventListener(control.type === "file" ? "change" : "click", () => import("./carry.js").then(({ carry }) => carry(box, control)));

  let soon = 0;
  watchChanges(() => { clearTimeout(soon); soon = setTimeout(look, 100); });
  setInterval(look, 60_000);
  await look(); // without a database it ends here, and the words that stand in the page are true
  part("plain").remove();
}
