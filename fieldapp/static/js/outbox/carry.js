// When all else fails: the whole outbox as one sealed file, and such a file opened on another phone.
// A line of JSON {what, user, salt, iv}, then the packed entries, sealed with HKDF(the owner's seed, salt, "carry").
// The seal also says who wrote it: a file without one could put words into anybody's mouth, and is written and read only
// where there is no WebCrypto at all (plain http).

import { say } from "./badge.js";
import { bodyOf, list, put } from "./queue.js";
import { drain } from "./send.js";
import { bytesOf, currentUser, hex, packed, remembered, unpacked } from "./seal.js";

const WHAT = "fieldapp outbox 1";
const AES = { name: "AES-GCM", length: 256 };
const bytes = (text) => Uint8Array.from(text.match(/../g) || [], (pair) => parseInt(pair, 16));

/** The file's key: made on the phone of its owner; the server gives it to the owner elsewhere, and to the lead. */
async function keyOf(owner, user, salt) {
  const base = owner === user && await remembered(`carry:${user}`);
  if (base) return crypto.subtle.deriveKey({ name: "HKDF", hash: "SHA-256", salt, info: new TextEncoder().encode("carry") }, base, AES, false, ["encrypt", "decrypt"]);
  const answer = await fetch(`/outbox/carry-key?user=${owner}&salt=${hex(salt)}`, { cache: "no-store" }).catch(() => null);
  if (answer?.status === 404) throw new Error("fileForeign");
  const { key } = (answer?.ok && await answer.json().catch(() => null)) || {};
  if (!key) throw new Error("fileOffline");
  return crypto.subtle.importKey("raw", bytesOf(key), AES, false, ["encrypt", "decrypt"]);
}

/** {file, n, sealed}: everything of this person that has not been sent. */
export async function written(user) {
  const entries = [];
  for (const { key, at, kind, keys, made, after, revises, photo, title, url, method, page, for: owner, forName, state, locked } of await list(user)) {
    if (state === "done" || locked) continue;
    const fields = await bodyOf(key);
    if (fields) entries.push({ key, at, kind, keys, made, after, revises, photo, title, url, method, page, for: owner, forName, fields });
  }
  const content = packed({ name: (await currentUser())?.name || "", entries });
  const salt = crypto.getRandomValues(new Uint8Array(32));
  const iv = salt.slice(0, 12);
  const key = crypto.subtle && await keyOf(user, user, salt);
  const head = JSON.stringify({ what: WHAT, user, salt: key ? hex(salt) : "", iv: hex(iv) });
  const body = key ? await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, content) : content;
  return { file: new Blob([head, "\n", body], { type: "application/octet-stream" }), n: entries.length, sealed: Boolean(key) };
}

/** Queue what a file holds under its own keys: {n, m} put in, known already. Throws what to say. */
export async function taken(user, file) {
  const data = await file.arrayBuffer();
  let content, head;
  try {
    const end = new Uint8Array(data).indexOf(10);
    head = JSON.parse(new TextDecoder().decode(data.slice(0, end)));
    if (head.what !== WHAT) throw new Error();
    content = data.slice(end + 1);
  } catch {
    throw new Error("fileBroken");
  }
  if (crypto.subtle) {
    const key = await keyOf(head.user, user, bytes(head.salt));
    content = await crypto.subtle.decrypt({ name: "AES-GCM", iv: bytes(head.iv) }, key, content).catch(() => { throw new Error("fileBroken"); });
  }
  const { name, entries } = unpacked(content);
  const mine = head.user === user;
  let n = 0;
  for (const { fields, ...entry } of entries) {
    const owner = mine ? {} : { for: head.user, forName: name };
    if (await put({ ...entry, ...owner, user }, fields)) n += 1;
  }
  return { n, m: entries.length - n };
}

export async function carry(box, control) {
  const said = box.querySelector("[data-carry=said]");
  const { user } = box.dataset;
  said.textContent = "";
  try {
    if (control.files) {
      const [file] = control.files;
      control.value = "";
      if (!file) return;
      said.textContent = say(box, "imported", await taken(user, file));
      drain("carried");
    } else {
      const { file, n, sealed } = await written(user);
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(file), download: `${say(box, "fileName")}-${new Date().toISOString().slice(0, 10)}.fieldapp` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      said.textContent = say(box, "savedFile", { n }) + (sealed ? "" : say(box, "plainFile"));
    }
  } catch (error) {
    said.textContent = say(box, error.name === "QuotaExceededError" ? "full" : error.message) || say(box, "fileBroken");
  }
}
