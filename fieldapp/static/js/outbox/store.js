// Kept pages and drafts, sealed, each its owner's. What the database itself offers comes along.

import { ask, within } from "./db.js";
import { Locked, seal, sealer, unseal } from "./seal.js";

export { ask, currentUser, forget, open, remember, remembered, within } from "./db.js";

const HOUR = 3_600_000;
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

export const keepPage = (user, path, page) => keepPages(user, [{ path, ...page }]);

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
