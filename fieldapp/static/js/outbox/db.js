// The phone's database `fieldapp`: one way in, and small things by name (`meta`). Stores are only ever added to:
// a page of yesterday opens the database of tomorrow.

const NAME = "fieldapp";
const VERSION = 1;
const PATIENCE = 8000; // an open that never answers (a blocked upgrade, a sick WebKit) is no database

let opened = null;

function build(db) {
  db.createObjectStore("entries", { keyPath: "key" }).createIndex("user", "user");
  db.createObjectStore("bodies", { keyPath: "key" });
  db.createObjectStore("drafts", { keyPath: "id" }).createIndex("user", "user");
  db.createObjectStore("pages", { keyPath: "id" }).createIndex("user", "user");
  db.createObjectStore("meta", { keyPath: "name" });
}

function connect(version) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, version);
    let late = false;
    const timer = setTimeout(() => { late = true; reject(new Error("The database does not open")); }, PATIENCE);
    request.onupgradeneeded = () => build(request.result);
    request.onblocked = () => {}; // older tabs close theirs when asked; until then the patience above counts
    request.onerror = () => { clearTimeout(timer); reject(request.error); };
    request.onsuccess = () => {
      clearTimeout(timer);
      const db = request.result;
      if (late) { db.close(); return; }
      db.onversionchange = () => { db.close(); opened = null; };
      db.onclose = () => { opened = null; };
      resolve(db);
    };
  });
}

async function reach() {
  try {
    return await connect(VERSION);
  } catch (error) {
    if (error.name === "VersionError") return connect(); // a newer version has been here, and only added to it
    if (error.name === "SecurityError" || typeof indexedDB === "undefined") throw error;
    return connect(VERSION); // iOS kills connections of apps that slept
  }
}

/** The open database. Rejects where there is none: private modes, a full disk. */
export function open() {
  opened ||= reach().catch((error) => { opened = null; throw error; });
  return opened;
}

/** What an IndexedDB request gives, as a promise. */
export const ask = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

const lost = (error) => error && (error.name === "InvalidStateError" || error.name === "UnknownError");

/** `work(store)` inside one transaction; its result once everything is on the disk. `store(name)` gives a store.
 *  Nothing but requests of this transaction may be awaited inside. A connection that died is opened once more. */
export async function within(names, mode, work, again = true) {
  const db = await open();
  let ended;
  try {
    const transaction = db.transaction(names, mode, { durability: "strict" });
    ended = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error || new DOMException("aborted", "AbortError"));
    });
    ended.catch(() => {});
    let result;
    try {
      result = await work((name) => transaction.objectStore(name || names));
    } catch (error) {
      try { transaction.abort(); } catch { /* has ended by itself: its own reason says more */ }
      await ended.catch((reason) => { if (reason.name !== "AbortError") throw reason; });
      throw error;
    }
    await ended;
    return result;
  } catch (error) {
    if (!again || !lost(error)) throw error;
    opened = null;
    try { db.close(); } catch { /* dead already */ }
    return within(names, mode, work, false);
  }
}

export const remembered = async (name) => (await within("meta", "readonly", (store) => ask(store().get(name))))?.value;
export const remember = (name, value) => within("meta", "readwrite", (store) => ask(store().put({ name, value })));
export const forget = (name) => within("meta", "readwrite", (store) => ask(store().delete(name)));

/** Whose phone it is now: {id, name}, or null. */
export const currentUser = async () => (await remembered("user")) || null;
