// Sealing: what lies on the phone is readable only with a key that cannot be taken out of the browser, and that goes
// when its owner signs out. The key is made from the person's seed, so signing in again brings the same one back.
// Where WebCrypto is missing (plain http) or a key cannot be kept (some private modes), things lie open: {plain}.

import { ask, forget, remember, remembered, within } from "./db.js";

const HOUR = 3_600_000;
const words = new TextEncoder();

export class Locked extends Error {
  constructor() { super("The key is not here"); this.name = "Locked"; }
}

const bytesOf = (seed) => (typeof seed === "string" ? Uint8Array.from(atob(seed), (c) => c.charCodeAt(0)) : new Uint8Array(seed));
const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
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

async function rowOf(user) {
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
  const row = await rowOf(user);
  return async (value) => {
    if (!row?.key) return { plain: value };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, id: row.id, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, row.key, packed(value)) };
  };
}

/** unseal(sealed) for one person, with the key looked up once; throws Locked. */
export async function opener(user) {
  const row = await rowOf(user);
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
