// What is typed survives: saved while it is typed, offered when the form is opened again, gone once the server has it.
//
// A draft is a record of its own, {fields, photos, sent}, under "form's address|form|id"; its photos lie beside it. The
// entry that it was sent as or corrects knows it: there the outbox is where it is, and with that entry it goes (queue.js).

import { alone } from "./app.js";
import { filled, markOf, typed, uuid7, when } from "./ids.js";
import { rowOf, rowsOf } from "./outbox/queue.js";
import { ask, draftOf, dropDraft, keepDraft, knowsKey, remember, remembered, within } from "./outbox/seal.js";

const PAUSE = 400;
const PHOTOS = "|photos";
const MOST_DRAFTS = 5; // of one form
const MOST_BYTES = 12e6; // of one draft's photos

// What is the page's and never what somebody said; and photos on their way, the business of the entry they belong to.
// The version that an edit began with stays with its words: put back into a newer page they are no newer themselves.
export const OWN = new Set(["csrf_token", "page", "entry_id", "device_at"]);
export const LATER = "photo_ids";

/** What the form says, as [name, value] pairs; files apart. */
const read = (form) => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== LATER && !OWN.has(name));

/** The words of a template, with their {values}; the element, not yet in the page. */
export function said(id, values = {}) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  for (const part of element.querySelectorAll("[data-words]")) part.textContent = filled(part.textContent, values);
  return element;
}

const filling = () => import("./fill.js"); // only where there is something to put in

// Names of the drafts of a form, newest first.
const namesOf = async (user, where) => {
  const range = IDBKeyRange.bound(`${user}|${where}|`, `${user}|${where}|~`);
  const ids = await within("drafts", "readonly", (store) => ask(store().getAllKeys(range)));
  return ids.map((id) => id.slice(user.length + 1)).filter((name) => !name.endsWith(PHOTOS)).reverse();
};

// Which entry a draft was sent as, or is a correction of; the newest.
async function sentAs(user, name) {
  const links = await within("meta", "readonly", (store) => ask(store().getAll(IDBKeyRange.bound("draft:", "draft:~"))));
  return links.filter((link) => link.value.includes(`${user}|${name}`)).pop()?.name.slice(6);
}

const drop = async (user, name) => { await dropDraft(user, name); await dropDraft(user, name + PHOTOS); };

// Just signed in, the key comes with the first word from the server.
const keyIsHere = async (user) => (await knowsKey(user)) || new Promise((come) => {
  document.addEventListener("outbox:session", come, { once: true });
  setTimeout(come, 10_000);
});

/** "waiting" in the outbox, "done", or "" where nobody knows of it. */
async function fate(key) {
  const entry = await rowOf(key);
  if (entry) return { done: "done", queued: "waiting" }[entry.state] || ""; // what was sent back can be put right here
  const answer = await fetch(`/outbox/result/${key}`).catch(() => null);
  return answer?.ok && answer.headers.get("Content-Type")?.includes("json") ? "done" : "";
}

export default async (form) => {
  const { user } = document.documentElement.dataset;
  if (form.querySelector("[type=password]")) return;
  const where = `${form.getAttribute("action")}|${form.id}`;
  const back = form.elements.entry_id?.value; // it was sent and has come back with the answer
  const words = (fields) => JSON.stringify(fields.filter(([name]) => !/^(version|base|(visit|need|follow_up)_id)$|-id$/.test(name)));
  const now = () => words(read(form));
  // Photos that wait in the outbox are safe there, and another draft would be another copy of them.
  function files() {
    const { files: all = [], photos } = form.querySelector("input[name=photos]") || {};
    return [...all].filter((file) => !photos?.some(({ held, mark }) => held && mark === markOf(file)));
  }
  const marks = () => files().map(markOf).join("|");
  // On a slow line somebody has begun before this script came.
  const begun = [...form.elements].some(typed);
  let blank = begun ? "" : now(); // what the page said by itself
  let mine = null; // {name, photos}: the draft that typing goes to
  let pictures = "";
  let timer = 0;
  let busy = keyIsHere(user).catch(() => {});
  let note = null;

  function tell(id) {
    const bar = document.querySelector(".topbar-end");
    bar?.querySelector("[data-draft]")?.remove();
    if (id && form.isConnected) bar?.prepend(said(id));
  }

  async function keepPhotos(draft) {
    let [left, over] = [MOST_BYTES, 0];
    const kept = [];
    for (const file of files().reverse()) {
      left -= file.size;
      if (left < 0) { over += 1; continue; }
      kept.unshift({ name: file.name, type: file.type, lastModified: file.lastModified, data: await file.arrayBuffer() });
    }
    await keepDraft(user, draft.name + PHOTOS, kept);
    document.getElementById("draft-left-out")?.remove();
    if (over) form.querySelector("#photos").after(said("draft-over", { n: over }));
    draft.photos = kept.length;
  }

  function link(key) {
    const id = `${user}|${mine.name}`;
    remembered(`draft:${key}`).then((before = []) => remember(`draft:${key}`, [...new Set([...before, id])])).catch(() => {});
  }

  function begin() {
    if (mine) return;
    mine = { name: `${where}|${uuid7()}`, photos: 0 };
    const of = form.dataset.entry || back;
    if (of) link(of);
  }

  function save(sent) {
    clearTimeout(timer);
    timer = 0;
    if (form.dataset.over) return busy; // it has arrived: no draft of it, and no work for a page that leaves
    const [fields, looks] = [read(form), marks()];
    const empty = words(fields) === blank && !looks;
    if (empty && !mine) return busy;
    begin();
    const draft = mine;
    busy = busy.then(async () => {
      if (empty) { await drop(user, draft.name); tell(""); return; }
      if (looks !== pictures) { await keepPhotos(draft); pictures = looks; }
      await keepDraft(user, draft.name, { fields, photos: draft.photos, sent });
      for (const old of (await namesOf(user, where)).slice(MOST_DRAFTS)) await drop(user, old);
      tell("draft-saved");
    }).catch(() => tell("draft-failed"));
    return busy;
  }

  let opening = false; // what is put back is not typed
  const touched = (event) => { if (!opening && (event.target.form === form || form.contains(event.target))) timer ||= setTimeout(() => save(), PAUSE); };
  const hurry = () => { if (timer && form.isConnected) save(); };
  for (const event of ["input", "change", "click"]) document.addEventListener(event, touched);
  document.addEventListener("visibilitychange", () => { if (document.hidden) hurry(); });
  document.addEventListener("htmx:after:swap", () => { if (!document.getElementById(form.id)) tell(""); });
  addEventListener("pagehide", hurry);
  addEventListener("pageshow", (event) => { if (event.persisted) { mine = null; blank = now(); } });
  // After the ids have been made; from here on the entry is followed.
  form.addEventListener("submit", () => {
    const key = form.elements.entry_id?.value;
    if (!key || (now() === blank && !marks() && !mine)) return;
    save(true);
    if (mine) link(key);
  });

  function show(element, actions = {}) {
    note?.remove();
    note = element;
    for (const [name, act] of Object.entries(actions)) note.querySelector(`[data-${name}]`).addEventListener("click", act);
    form.before(note);
    if (note.getBoundingClientRect().top < 0) note.scrollIntoView({ block: "center" });
  }

  function offer(name, { at, value }, key) {
    const { fields, photos } = value;
    show(said(photos ? "draft-offer-photos" : "draft-offer", { time: when(at), n: photos }), {
      async take() {
        await save(); // what has been typed meanwhile stays a draft of its own
        const kept = photos ? (await draftOf(user, name + PHOTOS))?.value : null;
        const { fill, reopened } = await filling();
        mine = { name, photos };
        // What was sent back is corrected as the entry that it is, its waiting photos with it.
        opening = true;
        if (key) await reopened(form, user, key).catch(() => {});
        opening = false;
        fill(form, fields);
        if (key && form.elements.entry_id) form.elements.entry_id.value = key;
        if (kept) {
          const there = (form.querySelector("input[name=photos]")?.photos || []).map(({ mark }) => mark);
          for (const { data, name: called, ...rest } of kept) {
            const file = new File([data], called, rest);
            if (!there.includes(markOf(file))) form.querySelector("#photos-kept")?.put?.(file);
          }
          pictures = marks();
        }
        show(said("draft-taken", { time: when(at) }));
        note.focus();
      },
      async drop() {
        const kept = photos ? await draftOf(user, name + PHOTOS) : null;
        await drop(user, name);
        show(said("draft-dropped"), {
          async back() {
            if (kept) await keepDraft(user, name + PHOTOS, kept.value);
            await keepDraft(user, name, value);
            offer(name, { at, value }, key);
          },
        });
        note.querySelector("[data-back]").focus();
      },
    });
  }

  // What was sent and has not arrived is put in only where nobody has typed meanwhile. The key of an entry that is to be
  // corrected; true of an edit that waits.
  async function putBack() {
    if (back || now() !== blank) return false;
    const key = /^#entry=([\w-]{36})$/.exec(location.hash)?.[1];
    if (key) return (await filling()).reopened(form, user, key);
    const action = form.getAttribute("action");
    const waits = form.elements.version && (await rowsOf(user)).some((row) => row.state === "queued" && !row.photo && row.keys.some((id) => action.includes(id)));
    return waits && (await filling()).overlaid(form, user, () => now() === blank);
  }

  if (alone) filling();
  try {
    await busy;
    opening = true;
    const opened = await putBack().finally(() => { opening = false; });
    if (opened) blank = now();
    if (opened === true) return;
    for (const name of await namesOf(user, where)) {
      const draft = await draftOf(user, name);
      if (!draft || name === mine?.name) continue;
      const { fields, photos, sent } = draft.value;
      const key = await sentAs(user, name);
      const same = words(fields) === now();
      // A correction of what stands here that was not sent.
      if (opened) { if (key === opened && !sent && !note && (photos || !same)) offer(name, draft); continue; }
      if (same) { mine ||= { name, photos }; continue; } // here already
      const told = key ? await fate(key) : "";
      if (told === "done") await drop(user, name);
      if (!told && !note && form.isConnected) offer(name, draft, key);
    }
    if (begun && !mine) save();
  } catch { /* no database: typing goes on, and the mark says that nothing is kept */ }
};
