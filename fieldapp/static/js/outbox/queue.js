// The queue: entries in the order they were made, their bodies apart, both sealed. What is final is tested inside the
// transaction that would change it: two tabs, a worker and a late answer may all hold an old copy of an entry.
//
// An entry in the database (what is typed is in `sealed`, everything else is needed without a key):
//   key user seq at kind keys made state maybe attempts next sending bytes error status sentAt after revises photo for
//   keys    every record it touches: a later entry waits while an earlier one on its way shares one of them
//   made    those it brings into being: these hold others up even when it has been refused
//   maybe   the server may have it: never changed, only revised
//   after   my earlier entries on the same record, newest first      revises  those it stands for

import { uuid7 } from "../ids.js";
import { ask, within } from "./db.js";
import { Locked, opener, sealer } from "./seal.js";

const DAY = 86_400_000;
const KEPT = 30 * DAY; // what has been sent stays in the list so long
const LONGEST_ANSWER = 200_000;
const NEVER_KEPT = new Set(["csrf_token", "entry_id", "_key"]);
const ALL = ["entries", "bodies", "meta"];

/** This key is done or on its way: what is to be sent now needs ids of its own. `entry` is the one that has it. */
export class Spent extends Error {
  constructor(entry) { super("This key has been used"); this.name = "Spent"; this.entry = entry; }
}

// ---- telling -------------------------------------------------------------------------------------------------

const listeners = new Set();
let channel = null;
try {
  channel = new BroadcastChannel("fieldapp-outbox");
  channel.onmessage = (event) => { for (const listener of listeners) listener(event.data); };
} catch { /* an old WebView: tabs hear of each other when they look */ }

/** `fn({kind, …})` for whatever happens here, in other tabs and in the worker:
 *  changed · safe (this page's form is kept, here or there) · sent {key, location} · signin {code} · ended · net {ok} · session {…} */
export function watchChanges(fn) {
  listeners.add(fn);
  return () => listeners.delete(fn);
}

export function announce(news, everywhere = true) {
  for (const listener of [...listeners]) listener(news);
  if (everywhere) channel?.postMessage(news);
}

const changed = () => announce({ kind: "changed" });

// ---- putting in ----------------------------------------------------------------------------------------------

export const isPending = (row) => row.state !== "done";
/** What the visit knows a photo by; its key may be another, of a later copy. */
export const idOf = ({ photo, keys }) => photo && keys.find((key) => key !== photo.visit);

async function storable(fields) {
  const kept = [];
  for (const [name, value] of fields) {
    if (NEVER_KEPT.has(name)) continue;
    if (typeof value === "string") kept.push([name, value]);
    else if (value.data) kept.push([name, value]);
    else if (value.size || value.name) {
      // Buffers, not blobs: WebKit loses blobs out of its database.
      kept.push([name, { name: value.name, type: value.type, lastModified: value.lastModified, data: await value.arrayBuffer() }]);
    }
  }
  return kept;
}

const weight = (fields) => fields.reduce((sum, [name, value]) => sum + name.length + (value.data ? value.data.byteLength : value.length), 0);

async function rowsFor(entry, fields, sealed) {
  const { key, user, title = "", url, method = "POST", page = "", location = "", answer = "", ...rest } = entry;
  const kept = await storable(fields);
  return [
    {
      kind: "", keys: [], made: [], revises: [], photo: null, at: Date.now(), ...rest,
      key, user: String(user), state: "queued", maybe: false, attempts: 0, next: entry.next || 0, sending: 0, status: 0, bytes: weight(kept), error: "",
      sealed: await sealed({ title, url, method, page, location, answer }),
    },
    { key, user: String(user), sealed: await sealed({ fields: kept }) },
  ];
}

async function ordered(at) {
  // Where the counter is gone and entries are not, what comes now still comes after them.
  const row = (await ask(at("meta").get("seq"))) || { name: "seq", value: Math.max(0, ...(await ask(at("entries").getAll())).map(({ seq }) => seq)) };
  row.value += 1;
  at("meta").put(row);
  return row.value;
}

// Which entries of mine have touched this record: an edit from an old page is no conflict with my own edit.
async function placedAfter(at, row) {
  if (row.photo) return [];
  const before = [];
  for (const id of row.keys) {
    const name = `last:${id}`;
    const earlier = ((await ask(at("meta").get(name)))?.value.keys || []).filter((key) => key !== row.key);
    before.push(...earlier);
    at("meta").put({ name, value: { keys: [row.key, ...earlier].slice(0, 20), at: Date.now() } });
  }
  return [...new Set(before)].sort().reverse().slice(0, 20); // uuid7: newest first
}

/** Put entries in, all or none, each [entry, fields]. A key that is known already: false, or with `again` the entry
 *  gives way to the new one (what was refused has been corrected); throws Spent when it cannot. Keys in `gone` (photos
 *  taken out again) go, unless they are on their way. */
export async function putAll(list, again = false, gone = []) {
  const rows = [];
  const sealed = await sealer(list[0][0].user);
  for (const [entry, fields] of list) rows.push(await rowsFor(entry, fields, sealed));
  const put = await within(ALL, "readwrite", async (at) => {
    for (const key of gone) {
      const row = await ask(at("entries").get(key));
      if (!row || row.maybe) continue;
      at("entries").delete(key);
      at("bodies").delete(key);
    }
    for (const [row, body] of rows) {
      let old = await ask(at("entries").get(row.key));
      if (old && !again) return false;
      const fixed = old && (old.state === "done" || (old.state === "queued" && old.maybe) || old.error === "key-reuse");
      if (fixed && row.photo) continue;
      if (fixed) throw new Spent(old);
      for (const key of row.revises) {
        const revised = await ask(at("entries").get(key));
        if (!revised || !isPending(revised)) continue;
        old ||= revised;
        at("entries").delete(key);
        at("bodies").delete(key);
        // Those that came after it on the same record come after this one.
        for (const later of await ask(at("entries").index("user").getAll(row.user))) {
          if (later.after?.includes(key)) at("entries").put({ ...later, after: [row.key, ...later.after] });
        }
      }
      const before = await placedAfter(at, row);
      // A correction stands where the first one stood: what depends on it still comes after.
      if (old) Object.assign(row, { seq: old.seq, at: old.at, attempts: old.attempts, after: old.after, revises: [...new Set([...row.revises, ...old.revises])] });
      else Object.assign(row, { seq: await ordered(at), after: row.after?.length ? row.after : before });
      at("entries").put(row);
      at("bodies").put(body);
    }
    return rows.map(([row]) => row);
  });
  if (put) changed();
  return put;
}

/** Put one entry in; false when its key is known already. */
export const put = async (entry, fields) => (await putAll([[entry, fields]]))[0] ?? false;

// ---- reading -------------------------------------------------------------------------------------------------

/** Entries of a person as they lie there, in order. */
export async function rowsOf(user) {
  const rows = await within("entries", "readonly", (at) => ask(at().index("user").getAll(String(user))));
  return rows.sort((a, b) => a.seq - b.seq);
}

export const rowOf = (key) => within("entries", "readonly", (at) => ask(at().get(key)));

/** Entries in order, what was typed opened: title, url, method, page, location, answer. Or `locked: true`. */
export async function list(user) {
  const [rows, open] = [await rowsOf(user), await opener(user)];
  return Promise.all(rows.map(async ({ sealed, ...row }) => {
    try {
      return { ...row, ...(await open(sealed)) };
    } catch (error) {
      if (error instanceof Locked) return { ...row, locked: true };
      throw error;
    }
  }));
}

/** {waiting: not yet on the server, stuck: of these, refused, oldest: ms of the oldest waiting, or 0}. */
export async function counts(user) {
  const waiting = (await rowsOf(user)).filter(isPending);
  return {
    waiting: waiting.length,
    stuck: waiting.filter((row) => row.state !== "queued").length,
    oldest: waiting.length ? Math.min(...waiting.map((row) => row.at)) : 0,
  };
}

/** The fields of an entry: [[name, string | {name, type, lastModified, data}]], or null. */
export async function bodyOf(key) {
  const row = await within("bodies", "readonly", (at) => ask(at().get(key)));
  return row ? (await (await opener(row.user))(row.sealed)).fields : null;
}

/** Later entries that would have nothing to stand on without this one. */
export async function dependants(key) {
  const first = await rowOf(key);
  if (!first) return [];
  const made = new Set(first.made);
  return (await rowsOf(first.user)).filter((row) => {
    if (row.seq <= first.seq || !isPending(row) || !row.keys.some((id) => made.has(id))) return false;
    for (const id of row.made) made.add(id);
    return true;
  });
}

// ---- changing ------------------------------------------------------------------------------------------------

const change = async (key, decide) => {
  const row = await within([...ALL, "drafts"], "readwrite", async (at) => {
    const old = await ask(at("entries").get(key));
    const more = old && decide(old);
    if (!more) return null;
    Object.assign(old, more);
    at("entries").put(old);
    if (old.state !== "done") return old;
    at("bodies").delete(key);
    // The drafts that it was written from (drafts.js) have done their work.
    for (const link of [key, ...old.revises].map((one) => `draft:${one}`)) {
      for (const id of (await ask(at("meta").get(link)))?.value || []) for (const name of [id, `${id}|photos`]) at("drafts").delete(name);
      at("meta").delete(link);
    }
    return old;
  });
  if (row) changed();
  return row;
};

/** Before every send: the server may have it from now on. The entry and its body, or null when it is not to be sent. */
export const markSending = (key) => within(["entries", "bodies"], "readwrite", async (at) => {
  const row = await ask(at("entries").get(key));
  if (row?.state !== "queued") return null;
  const doubt = row.maybe;
  Object.assign(row, { maybe: true, attempts: row.attempts + 1, sending: Date.now() });
  at("entries").put(row);
  return { row, doubt, body: await ask(at("bodies").get(key)) };
});

/** It never left the phone after all. */
export const markHeld = (key, attempt, doubt) => change(key, (row) => row.state === "queued" && row.attempts === attempt && { maybe: doubt, sending: 0 });

/** Proved: the server has it. Final. */
export async function markDone(row, { status, location = "", error = "" }) {
  const sealed = await resealed(row, { location, answer: "" });
  return change(row.key, (old) => isPending(old) && { state: "done", status, error, sentAt: Date.now(), maybe: true, sending: 0, sealed });
}

// Refused because the record is there already: what belongs to it (photos) neither waits nor goes with this entry.
const STANDS = new Set(["revised-too-late", "key-reuse"]);

/** Refused: `state` is error or conflict. Only the newest attempt may say so. */
export async function markStuck(row, state, { status = 0, error = "", answer = "", location = "" }) {
  const sealed = await resealed(row, { location, answer: answer.slice(0, LONGEST_ANSWER) });
  return change(row.key, (old) => old.state === "queued" && old.attempts === row.attempts && { state, status, error, maybe: false, sending: 0, sealed, ...(STANDS.has(error) && { made: [] }) });
}

/** Not now: once more at `next`. */
export const markWaiting = (row, { next, error = "", status = 0 }) =>
  change(row.key, (old) => old.state === "queued" && old.attempts === row.attempts && { next, error, status, sending: 0 });

async function resealed(row, more) {
  try {
    return await (await sealer(row.user))({ ...(await (await opener(row.user))(row.sealed)), ...more });
  } catch (error) {
    if (error instanceof Locked) return row.sealed; // the key went while it was on its way; the outcome counts
    throw error;
  }
}

/** Try again, now. */
export const retry = (key) => change(key, (row) => isPending(row) && { state: "queued", next: 0, error: "", status: 0 });

/** Other fields for an entry. One that may have left the phone is revised: a new entry stands for it. Gives its key;
 *  null when it has meanwhile been sent for good. */
export async function revise(key, fields, newKey) {
  const row = await rowOf(key);
  if (!row || !isPending(row)) return null;
  const entry = { ...row, ...(await (await opener(row.user))(row.sealed)), answer: "", location: "", next: 0 };
  const left = row.maybe && row.state === "queued";
  if (left) Object.assign(entry, { key: newKey, revises: [row.key] });
  await putAll([[entry, fields]], true);
  return entry.key;
}

/** What tells a visit that one of its photos will not come, as putAll takes it; `words` name it in the list. */
export const dropped = ({ title, words, visit, id, ...more }) => [{ ...more, key: uuid7(), kind: "image", title: words ? title.replace(/^.*?(?= · |$)/, words) : title, url: `/visits/${visit}/photos/${id}/drop`, keys: [visit] }, []];

export async function remove(key) {
  await within(["entries", "bodies"], "readwrite", (at) => { at("entries").delete(key); at("bodies").delete(key); });
  changed();
}

/** What was sent long ago goes from the list; what was not sent never goes. */
export const purgeOld = (now = Date.now()) => within(ALL, "readwrite", async (at) => {
  for (const row of await ask(at("entries").getAll())) if (row.state === "done" && now - row.sentAt > KEPT) at("entries").delete(row.key);
  for (const row of await ask(at("meta").getAll(IDBKeyRange.bound("last:", "last;")))) if (now - row.value.at > 3 * KEPT) at("meta").delete(row.name);
});
