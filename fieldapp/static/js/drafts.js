// What is typed survives: saved while it is typed, offered when the form is opened again, gone once the server has it.
//
// One record a person and form: {list: [{id, at, key, fields, photos}]}, newest first; photos lie beside it. `key` is
// the entry that a draft was sent as: from then on the outbox is where it is.

import { uuid7 } from "./ids.js";
import { rowOf, rowsOf } from "./outbox/queue.js";
import { knowsKey, Locked } from "./outbox/seal.js";
import { ask, draftOf, dropDraft, forget, keepDraft, remember, remembered, within } from "./outbox/store.js";

const PAUSE = 400;
const MOST_DRAFTS = 5;
const MOST_BYTES = 12e6; // of one draft's photos

// What is the page's and never what somebody said; and photos on their way, the business of the entry they belong to.
export const OWN = new Set(["csrf_token", "page", "entry_id", "version", "base", "device_at"]);
export const LATER = "photo_ids";

/** What the form says, as [name, value] pairs; files apart. */
const read = (form) => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== LATER && !OWN.has(name));

/** The words of a template, with their {values}; the element, not yet in the page. */
export function said(id, values = {}) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  for (const part of [element, ...element.querySelectorAll("[data-words]")]) {
    if (part.matches("[data-words]")) part.textContent = part.textContent.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  }
  return element;
}

/** 11:32, or 11月23日 11:32 of another day, in the page's language. */
export function when(at, now = new Date()) {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = new Date(at).toDateString() === now.toDateString() ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...day, ...time }).format(at);
}

const filling = () => import("./fill.js"); // only where there is something to put in

async function listOf(user, where) {
  const found = await draftOf(user, where);
  if (!found && (await within("drafts", "readonly", (store) => ask(store().getKey(`${user}|${where}`))))) throw new Locked();
  return found?.value.list || [];
}

// Just signed in, the key comes with the first word from the server.
const key = async (user) => (await knowsKey(user)) || new Promise((come) => {
  document.addEventListener("outbox:session", come, { once: true });
  setTimeout(come, 10_000);
});

const keep = (user, where, list) => (list.length ? keepDraft(user, where, { list }) : dropDraft(user, where));

/** The server has entry `key`: what it was written from goes. */
export async function done(key) {
  const from = await remembered(`draft:${key}`);
  if (!from) return;
  const { user, where } = from;
  const list = await listOf(user, where);
  for (const draft of list) if (draft.key === key) await dropDraft(user, `${where}|${draft.id}`);
  await keep(user, where, list.filter((draft) => draft.key !== key));
  await forget(`draft:${key}`);
}

/** "waiting" in the outbox, "done", or "" where nobody knows of it. */
async function fate(key) {
  const entry = await rowOf(key);
  if (entry) return entry.state === "done" ? "done" : "waiting";
  const answer = await fetch(`/outbox/result/${key}`, { headers: { Accept: "application/json" } }).catch(() => null);
  return answer?.status === 200 && answer.headers.get("Content-Type")?.includes("json") ? "done" : "";
}

// What was sent while no page was open.
async function sweep() {
  const names = await within("meta", "readonly", (store) => ask(store().getAllKeys(IDBKeyRange.bound("draft:", "draft:~"))));
  for (const name of names) {
    const key = name.slice(6);
    const entry = await rowOf(key);
    if (entry?.state === "done") await done(key);
  }
}

let swept = null;

export default async (form) => {
  const { user } = document.documentElement.dataset;
  if (!user || form.querySelector("[type=password]")) return;
  const where = `${form.getAttribute("action")}|${form.id}`;
  const idNames = () => new Set([...form.querySelectorAll("[data-new-id]")].map((field) => field.name));
  const words = (fields) => { const ids = idNames(); return JSON.stringify(fields.filter(([name]) => !ids.has(name))); };
  const files = () => [...(form.querySelector("input[name=photos]")?.files || [])];
  const marks = () => files().map((file) => [file.name, file.size, file.lastModified].join()).join("|");
  let blank = words(read(form)); // what the page said by itself
  let mine = null; // the draft that typing goes to
  let pictures = "";
  let timer = 0;
  let busy = key(user).catch(() => {});
  let note = null;

  function tell(id) {
    const bar = document.querySelector(".topbar-end");
    bar?.querySelector("[data-draft]")?.remove();
    if (id) bar?.prepend(said(id));
  }

  async function keepPhotos() {
    let [left, over] = [MOST_BYTES, 0];
    const kept = [];
    for (const file of files().reverse()) {
      left -= file.size;
      if (left < 0) { over += 1; continue; }
      kept.unshift({ name: file.name, type: file.type, lastModified: file.lastModified, data: await file.arrayBuffer() });
    }
    await (kept.length ? keepDraft(user, `${where}|${mine.id}`, kept) : dropDraft(user, `${where}|${mine.id}`));
    document.getElementById("draft-left-out")?.remove();
    if (over) form.querySelector("#photos").after(said("draft-over", { n: over }));
    return kept.length;
  }

  const save = () => {
    clearTimeout(timer);
    timer = 0;
    const fields = read(form);
    const empty = words(fields) === blank && !files().length;
    if (empty && !mine) return busy;
    mine ||= { id: uuid7(), photos: 0 };
    const key = mine.key;
    busy = busy.then(async () => {
      if (marks() !== pictures) { mine.photos = await keepPhotos(); pictures = marks(); }
      const list = (await listOf(user, where)).filter((draft) => draft.id !== mine.id);
      if (!empty) list.unshift({ ...mine, key, at: Date.now(), fields });
      for (const old of list.splice(MOST_DRAFTS)) await dropDraft(user, `${where}|${old.id}`);
      await keep(user, where, list);
      tell(empty ? "" : "draft-saved");
    }).catch(() => tell("draft-failed"));
    return busy;
  };

  const touched = () => { timer ||= setTimeout(save, PAUSE); };
  const hurry = () => { if (timer && form.isConnected) save(); };
  const ours = (event) => { if (event.target.form === form || form.contains(event.target)) touched(); };
  for (const event of ["input", "change", "click"]) document.addEventListener(event, ours);
  document.addEventListener("visibilitychange", () => { if (document.hidden) hurry(); });
  document.addEventListener("htmx:after:swap", () => { if (!form.isConnected) tell(""); });
  addEventListener("pagehide", hurry);
  addEventListener("pageshow", (event) => { if (event.persisted) { mine = null; blank = words(read(form)); } });
  // After the ids have been made; from here on the entry is followed.
  form.addEventListener("submit", () => {
    const key = form.elements.entry_id?.value;
    if (!key || (words(read(form)) === blank && !files().length && !mine)) return;
    mine ||= { id: uuid7(), photos: 0 };
    mine.key = key;
    remember(`draft:${key}`, { user, where }).catch(() => {});
    save();
  });

  function show(element, actions = {}) {
    note?.remove();
    note = element;
    for (const [name, act] of Object.entries(actions)) note.querySelector(`[data-${name}]`).addEventListener("click", act);
    form.before(note);
  }

  function offer(draft) {
    show(said(draft.photos ? "draft-offer-photos" : "draft-offer", { time: when(draft.at), n: draft.photos }), {
      async take() {
        await save(); // what has been typed meanwhile stays a draft of its own
        const photos = draft.photos ? (await draftOf(user, `${where}|${draft.id}`))?.value : null;
        const { fill } = await filling();
        mine = draft;
        fill(form, draft.fields);
        if (draft.key && form.elements.entry_id) form.elements.entry_id.value = draft.key;
        if (photos) {
          const back = photos.map(({ data, name, ...rest }) => new File([data], name, rest));
          form.querySelector("#photos-kept")?.dispatchEvent(new CustomEvent("photos:put", { detail: back }));
          pictures = marks();
        }
        show(said("draft-taken", { time: when(draft.at) }));
        note.focus();
      },
      async drop() {
        const beside = `${where}|${draft.id}`;
        const photos = draft.photos ? await draftOf(user, beside) : null;
        const change = async (work) => keep(user, where, work((await listOf(user, where)).filter((one) => one.id !== draft.id)));
        await change((list) => list);
        await dropDraft(user, beside);
        show(said("draft-dropped"), {
          async back() {
            if (photos) await keepDraft(user, beside, photos.value);
            await change((list) => [...list, draft].sort((a, b) => b.at - a.at));
            offer(draft);
          },
        });
        note.querySelector("[data-back]").focus();
      },
    });
  }

  try {
    await busy;
    await (swept ||= sweep());
    const key = /^#entry=([\w-]{36})$/.exec(location.hash)?.[1];
    const action = form.getAttribute("action");
    const waits = form.elements.version && (await rowsOf(user)).some((row) => row.state !== "done" && !row.photo && row.keys.some((id) => action.includes(id)));
    const held = (key && (await (await filling()).reopened(form, user, key))) || (waits && (await (await filling()).overlaid(form, user)));
    if (held) { blank = words(read(form)); return; }
    for (const draft of await listOf(user, where)) {
      if (words(draft.fields) === words(read(form))) { mine ||= draft; continue; } // came back with the answer
      const now = draft.key ? await fate(draft.key) : "";
      if (now === "done") { await remember(`draft:${draft.key}`, { user, where }); await done(draft.key); }
      if (!now && !note && !mine && form.isConnected) offer(draft);
    }
  } catch { /* no database: typing goes on, and the mark says that nothing is kept */ }
};
