// Whose phone this is. Pages and the key belong to the person signed in and go with them; what is not sent yet stays,
// sealed, and waits for its owner. Without page up to `start`: the worker asks here too.

import { typed, uuid7 } from "./ids.js";
import { ask, currentUser, forget, remember, remembered, within } from "./outbox/db.js";
import { announce, watchChanges } from "./outbox/queue.js";
import { drain, session } from "./outbox/send.js";
import { dropKey, dropPages, knowsKey } from "./outbox/seal.js";

const HOUR = 3_600_000;
const WEEK = 168 * HOUR;
const PATIENCE = 8000;
let leaving = false;

/** Forget what was kept for reading, and the key of all the rest. Entries and drafts are never touched. */
export async function purge(user) {
  await dropKey(user); // first: what follows may be cut short
  await dropPages(user);
  for (const name of ["pack:", "codes:"]) await forget(name + user);
  if (String((await currentUser())?.id) === String(user)) await forget("user");
}

const keys = () => within("meta", "readonly", (at) => ask(at().getAll(IDBKeyRange.bound("key:", "key;"))));
const purgeAll = async (but = () => false) => {
  for (const { name, value } of await keys()) if (!but(value, name.slice(4))) await purge(name.slice(4));
};

/** The rule of seven days: a key its owner has not used for so long goes, and every page not looked at for so long. With
    an `owner` every page of somebody else goes too: a purge that was cut short has left it, sealed, without its key. */
export async function expire(now = Date.now(), owner) {
  const old = (at) => Math.abs(now - at) > WEEK; // a clock that was wrong once counts as long ago
  await purgeAll((key) => !old(key.usedAt));
  await within("pages", "readwrite", async (at) => {
    for (const { id, user, at: since, used = since } of await ask(at().getAll())) if (old(used) || user !== (owner ?? user)) at().delete(id);
  });
}

/** Signing out begins here, with or without a network: nothing of this person is shown from now on. */
export async function leave(user) {
  leaving = true;
  await remember("signout", { user: String(user), at: Date.now() });
  await purge(user);
  announce({ kind: "left", user: String(user) }); // other tabs
}

/** Whether no sign-out is pending: the server has been told of it now, or there was none. `token`: the page's own. */
export async function finishSignOut(token = "") {
  const out = await remembered("signout");
  if (!out) return true;
  const get = (path, more) => fetch(path, { cache: "no-store", redirect: "manual", signal: AbortSignal.timeout(PATIENCE), ...more });
  // Under a key of its own: to the server, two posts that say nothing are one.
  // Another tab, or the worker, may have told it a moment ago: nobody is signed in then, and that is as good.
  const tell = async (csrf) => {
    const { status, headers } = await get("/logout", { method: "POST", headers: { "X-CSRFToken": csrf, "HX-Request": "true", "Idempotency-Key": uuid7(), "Outbox-User": out.user } });
    return headers.has("HX-Redirect") || (status === 401 && headers.has("Outbox-Error"));
  };
  try {
    if (token && (await tell(token))) return forget("signout").then(() => true);
    const asked = await get("/outbox/session");
    if (asked.status === 401 ? !asked.headers.get("Outbox-Error") : !asked.ok) return false; // not our server's word
    const { user, csrf } = asked.ok ? await asked.json() : {};
    if (String(user) === out.user && !(await tell(csrf))) return false;
    await forget("signout");
    return true;
  } catch {
    return false;
  }
}

/** A session that somebody ended on purpose takes the pages along. For pages and the worker alike. */
export const minding = () => watchChanges(async ({ kind }) => {
  const who = kind === "ended" && (await currentUser());
  if (who) await purge(who.id);
});

// ---- page ----------------------------------------------------------------------------------------------------

/** The page of a signed-in person has come: whoever was here before is gone, the key of this one is at hand. */
async function settle(user) {
  await expire(Date.now(), user);
  const before = await currentUser();
  const changed = before && String(before.id) !== user;
  await purgeAll((_key, id) => id === user);
  if (changed) announce({ kind: "left", user: String(before.id) });
  if (document.querySelector("[data-one-time]")) return; // only a password of one's own opens anything
  if (before && !changed && (await knowsKey(user))) return;
  const said = await session();
  if (String(said?.user) !== user) return;
  await remember("user", { id: user, name: said.name, at: Date.now() });
  // Firefox would ask the person, who has just signed in and knows nothing of it: there it waits for a tap (我的).
  if (!/Firefox/.test(navigator.userAgent)) navigator.storage?.persist?.().catch(() => {});
  drain("sign-in");
}

const inUse = () => [...document.forms].some((form) => form.method === "post" && [...form.elements].some(typed));

/** A newer version is out: said once, and not to somebody who is writing; the next page has it anyway. */
function renewed(version) {
  const words = document.getElementById("new-version");
  if (!version || !words || import.meta.url.includes(`/${version}/`) || inUse()) return;
  document.getElementById("main").prepend(words.content);
  words.remove();
}

export async function start() {
  const { user } = document.documentElement.dataset;
  try {
    if (await remembered("signout")) {
      await purgeAll(); // whatever was on its way when it began
      if (user && /\/login(\?|$)/.test(document.referrer)) await forget("signout"); // signing in has ended what was before
      else if (!(await finishSignOut())) return;
      else if (user) return void location.replace("/login");
    }
    if (!user) {
      // To sign in: nobody's pages are here, but those of somebody whose session just ran out.
      if (document.querySelector("[data-ended]") || !(await currentUser())) await purgeAll();
      return;
    }
    minding();
    watchChanges((news) => {
      if (news.kind === "session") renewed(news.version);
      if (news.kind === "left" && news.user === user && !leaving) location.replace("/");
    });
    let asked = Date.now();
    document.addEventListener("visibilitychange", () => { // an app that was brought back after hours
      if (document.visibilityState === "visible" && Date.now() - asked > HOUR) { asked = Date.now(); session(); }
    });
    // Back to a page that the browser kept in its memory: it may be another person's by now.
    addEventListener("pageshow", async (event) => {
      if (event.persisted && String((await currentUser())?.id) !== user) location.reload();
    });
    await settle(user);
  } catch { /* no database here: nothing is kept, so nothing is to be forgotten */ }
}
