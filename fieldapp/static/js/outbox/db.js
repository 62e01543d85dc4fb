// The phone's database `fieldapp`: one way in, and small things by name (`meta`). Stores are only ever added to:
// a page of yesterday opens the database of tomorrow.

const NAME = "fieldapp";
const VERSION = 1;
const PATIENCE = 8000; // an open that never answers (a blocked upgrade, a sick WebKit) is no database

let opened = null;
const unfinished = new Set(); // transactions
const takeBack = (transaction) => { try { transaction.abort(); } catch { /* commits already, or has ended */ } };
// A page that leaves takes them back itself: WebKit leaves their locks behind, and every later page waits for ever.
globalThis.addEventListener?.("pagehide", () => unfinished.forEach(takeBack));

function build(db) {
  db.createObjectStore("entries", { keyPath: "key" }).createIndex("user", "user");
  db.createObjectStore("bodies", { keyPath: "key" });
  db.createObjectStore("drafts", { keyPath: "id" }).createIndex("user", "user");
  db.createObjectStore("pages", { keyPath: "id" }).createIndex("user", "user");
  db.createObjectStore("meta", { keyPath: "name" });
}

const mute = () => new DOMException("No answer", "TimeoutError");

function connect(version) {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, version);
    let late = false;
    // Blocked by older tabs, which close theirs when asked, it has this patience too.
    setTimeout(() => { late = true; reject(mute()); }, PATIENCE);
    request.onupgradeneeded = () => build(request.result);
    request.onerror = () => reject(request.error);
    request.onsuccess = () => {
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

/** Settles with the transaction, or rejects with TimeoutError: one that never ends is taken back. */
const endOf = (transaction) => new Promise((resolve, reject) => {
  setTimeout(() => { reject(mute()); takeBack(transaction); }, 2 * PATIENCE);
  transaction.oncomplete = resolve;
  transaction.onabort = () => reject(transaction.error || new DOMException("aborted", "AbortError"));
});

/** `work(store)` inside one transaction; its result once everything is on the disk. `store(name)` gives a store.
 *  Nothing but requests of this transaction may be awaited inside. A connection that died is opened once more. */
export async function within(names, mode, work, again = true) {
  const db = await open();
  try {
    const transaction = db.transaction(names, mode, { durability: "strict" });
    const ended = endOf(transaction);
    unfinished.add(transaction);
    ended.catch(() => {}).then(() => unfinished.delete(transaction));
    let result;
    try {
      const working = work((name) => transaction.objectStore(name || names));
      await Promise.race([working, ended]);
      result = await working;
    } catch (error) {
      takeBack(transaction); // one that has ended by itself says more
      await ended.catch((reason) => { if (reason.name !== "AbortError") throw reason; });
      throw error;
    }
    await ended;
    return result;
  } catch (error) {
    const dead = error.name === "TimeoutError";
    if (!dead && !lost(error)) throw error;
    opened = null;
    db.close();
    if (dead) await open(); // a disk that became full under a transaction ends it in silence, and says so here
    if (dead || !again) throw error;
    return within(names, mode, work, false);
  }
}

export const remembered = async (name) => (await within("meta", "readonly", (store) => ask(store().get(name))))?.value;
export const remember = (name, value) => within("meta", "readwrite", (store) => ask(store().put({ name, value })));
export const forget = (name) => within("meta", "readwrite", (store) => ask(store().delete(name)));

/** Whose phone it is now: {id, name}, or null. */
export const currentUser = async () => (await remembered("user")) || null;
