// Sealing: what lies on the phone is readable only with a key that cannot be taken out of the browser, and that goes
// when its owner signs out. The key is made from the person's seed, so signing in again brings the same one back.
// Kept pages and drafts lie here too, each its owner's; what the database itself offers comes along.
// Where WebCrypto is missing (plain http) or a key cannot be kept (some private modes), things lie open: {plain}.

import { ask, forget, remember, remembered, within } from "./db.js";

export { ask, currentUser, forget, open, remember, remembered, within } from "./db.js";

const HOUR = 3_600_000;
const words = new TextEncoder();

export class Locked extends Error {
  constructor() { super("The key is not here"); this.name = "Locked"; }
}

export const bytesOf = (seed) => (typeof seed === "string" ? Uint8Array.from(atob(seed), (c) => c.charCodeAt(0)) : new Uint8Array(seed));
export const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
const hkdf = (info) => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: words.encode(info) });

/** Make and keep this person's key. Also the base of it, for files that carry an outbox to another phone. */
export async function openKey(user, seed) {
  const row = { key: null, id: "", usedAt: Date.now() };
  if (globalThis.crypto?.subtle) {
    try {
      const base = await crypto.subtle.importKey("raw", bytesOf(seed), "HKDF", false, ["deriveKey", "deriveBits"]);
      const key = await crypto.subtle.deriveKey(hkdf("outbox"), base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      const id = hex(await crypto.subtle.deriveBits(hkdf("outbox id"), base, 64));
      await remember(`key:${user}`, { ...row, key, id });
      await remember(`carry:${user}`, base);
      return true;
    } catch (error) {
      if (error.name === "QuotaExceededError") throw error; // a full disk today says nothing about tomorrow
    }
  }
  await remember(`key:${user}`, row);
  return false;
}

export async function dropKey(user) {
  await forget(`key:${user}`);
  await forget(`carry:${user}`);
}

/** Whether anything is known about this person's key, be it that there can be none. */
export const knowsKey = async (user) => Boolean(await remembered(`key:${user}`));

async function keyOf(user) {
  const row = await remembered(`key:${user}`);
  if (row && Math.abs(Date.now() - row.usedAt) > HOUR) {
    await within("meta", "readwrite", async (at) => {
      const still = await ask(at().get(`key:${user}`)); // a key that has been thrown away stays away
      if (still) at().put({ ...still, value: { ...still.value, usedAt: Date.now() } });
    }).catch(() => {});
  }
  return row;
}

// Values are JSON, with buffers beside it: [length of the JSON][JSON][buffers].
export function packed(value) {
  const parts = [];
  let at = 0;
  const json = words.encode(JSON.stringify(value, (_name, part) => {
    if (!(part instanceof ArrayBuffer)) return part;
    parts.push(part);
    return { $: [at, (at += part.byteLength)] };
  }));
  const out = new Uint8Array(4 + json.length + at);
  new DataView(out.buffer).setUint32(0, json.length);
  out.set(json, 4);
  at = 4 + json.length;
  for (const part of parts) { out.set(new Uint8Array(part), at); at += part.byteLength; }
  return out;
}

export function unpacked(buffer) {
  const from = 4 + new DataView(buffer).getUint32(0);
  const json = new TextDecoder().decode(new Uint8Array(buffer, 4, from - 4));
  return JSON.parse(json, (_name, part) => (Array.isArray(part?.$) ? buffer.slice(from + part.$[0], from + part.$[1]) : part));
}

/** seal(value) for one person, with the key looked up once. */
export async function sealer(user) {
  const row = await keyOf(user);
  return async (value) => {
    if (!row?.key) return { plain: value };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, id: row.id, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, row.key, packed(value)) };
  };
}

/** unseal(sealed) for one person, with the key looked up once; throws Locked. */
export async function opener(user) {
  const row = await keyOf(user);
  return async (sealed) => {
    if ("plain" in sealed) return sealed.plain;
    if (!row?.key || row.id !== sealed.id) throw new Locked();
    try {
      return unpacked(await crypto.subtle.decrypt({ name: "AES-GCM", iv: sealed.iv }, row.key, sealed.data));
    } catch {
      throw new Locked();
    }
  };
}

export const seal = async (user, value) => (await sealer(user))(value);
export const unseal = async (user, sealed) => (await opener(user))(sealed);

// ---- what is kept for reading, sealed ------------------------------------------------------------------------

const idOf = (user, rest) => `${user}|${rest}`;
const write = (store, row) => within(store, "readwrite", (at) => ask(at().put(row)));
const read = (store, id) => within(store, "readonly", (at) => ask(at().get(id)));

async function opened(user, row) {
  try {
    return row ? await unseal(user, row.sealed) : null;
  } catch (error) {
    if (error instanceof Locked) return null; // there, but not for whoever asks now
    throw error;
  }
}

// ---- pages: `path` is path and search ------------------------------------------------------------------------

/** Several at once: [{path, html, hash, at}]. False when their owner is not here any more. */
export async function keepPages(user, pages) {
  const close = await sealer(user);
  const rows = await Promise.all(pages.map(async ({ path, html, hash, at = Date.now() }) => (
    { id: idOf(user, path), user: String(user), path, at, used: Date.now(), hash, bytes: html.length, sealed: await close(html) })));
  return within(["pages", "meta"], "readwrite", async (at) => {
    if (!(await ask(at("meta").get(`key:${user}`)))) return false; // has signed out meanwhile
    for (const row of rows) at("pages").put(row);
    return true;
  });
}

/** Remember what is about this person, `<name>:<user>`; not for somebody who has signed out meanwhile. */
export const rememberOf = (user, name, value) => within("meta", "readwrite", async (at) => {
  if (await ask(at().get(`key:${user}`))) at().put({ name: `${name}:${user}`, value });
});

/** {html, at, hash}, or null. */
export async function pageOf(user, path) {
  const row = await read("pages", idOf(user, path));
  const html = await opened(user, row);
  if (html === null) return null;
  if (Math.abs(Date.now() - row.used) > HOUR) {
    within("pages", "readwrite", async (at) => {
      const still = await ask(at().get(row.id));
      if (still) at().put({ ...still, used: Date.now() });
    }).catch(() => {});
  }
  return { html, at: row.at, hash: row.hash };
}

/** [{path, at, used, hash, bytes}] of everything kept for this person. */
export async function pagesOf(user) {
  const rows = await within("pages", "readonly", (at) => ask(at().index("user").getAll(String(user))));
  return rows.map(({ path, at, used, hash, bytes }) => ({ path, at, used, hash, bytes }));
}

/** Drop these pages of the person, or all. */
export const dropPages = (user, paths) => within("pages", "readwrite", async (at) => {
  const ids = paths ? paths.map((path) => idOf(user, path)) : await ask(at().index("user").getAllKeys(String(user)));
  for (const id of ids) at().delete(id);
});

// ---- drafts: `id` is path and form ---------------------------------------------------------------------------

export const keepDraft = async (user, id, value) =>
  write("drafts", { id: idOf(user, id), user: String(user), at: Date.now(), sealed: await seal(user, value) });

/** {at, value}, or null. */
export async function draftOf(user, id) {
  const row = await read("drafts", idOf(user, id));
  const value = await opened(user, row);
  return value === null ? null : { at: row.at, value };
}

export const dropDraft = (user, id) => within("drafts", "readwrite", (at) => ask(at().delete(idOf(user, id))));
