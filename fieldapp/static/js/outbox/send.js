// Sending what the queue holds: in the page, and in the worker. One drain at a time on this phone, up to five entries in
// the air; an entry is sent by one tab at once. Locks only save traffic and keep the order: once is the server's word.

import { deviceTime, sleep, uuid7 } from "../ids.js";
import { currentUser, remember, remembered } from "./db.js";
import { announce, isPending, markDone, markHeld, markSending, markStuck, markWaiting, purgeOld, rowOf, rowsOf } from "./queue.js";
import { knowsKey, Locked, opener, openKey } from "./seal.js";
import { backoff, blocked, isDue, judge, LANES, patience, ready } from "./verdict.js";

const LOCK = "outbox-drain";
const BEAT = 10_000;
const FROZEN = 60_000; // a holder that has not been heard of for so long sleeps
const BIG = 64 * 1024; // bodies worth a question first
const SURE = 300_000; // so long after an answer the session is believed to be there
const DAY = 86_400_000;
const BUSY = Symbol("busy");
const DONE = { verdict: { state: "done", code: "" } };

const here = { user: "", csrf: "", sure: 0, max: 0 };
const flying = new Map(); // key → promise of its outcome, whoever in this page began it
let stopped = ""; // auth, ended, user, locked: somebody has to sign in
let pause = { until: 0, asked: false }; // asked: by the server, with Retry-After
let failures = 0;
let timer = 0;

const locks = globalThis.navigator?.locks;

/** Who this page is: its person, its token, and when the server said so. The worker asks /outbox/session instead. */
export function introduce({ user, csrf = "", sure = 0 }) {
  Object.assign(here, { user: String(user), csrf, sure });
}

// ---- asking --------------------------------------------------------------------------------------------------

function timeout(ms) {
  const stop = new AbortController();
  setTimeout(() => stop.abort(), ms);
  return stop.signal;
}

async function phoneId() {
  let id = await remembered("phone");
  if (!id) await remember("phone", (id = uuid7()));
  return id;
}

/** What this phone holds, for the lead: numbers only. What is in the air counts as arrived. */
export async function report(user) {
  const rows = (await rowsOf(user)).filter((row) => isPending(row) && !flying.has(row.key));
  const oldest = rows.length ? Math.max(0, Date.now() - Math.min(...rows.map((row) => row.at))) : 0;
  return {
    "Outbox-Phone": await phoneId(),
    "Outbox-Waiting": String(rows.length),
    "Outbox-Stuck": String(rows.filter((row) => row.state !== "queued").length),
    "Outbox-Oldest": String(Math.round(oldest / 1000)),
  };
}

const get = async (path, more) => fetch(path, {
  headers: { Accept: "application/json", ...more, ...(here.user ? await report(here.user).catch(() => ({})) : {}) },
  cache: "no-store", redirect: "manual", credentials: "same-origin", signal: timeout(20_000),
});

function refused(verdict) {
  stopped = verdict.wait;
  announce(verdict.wait === "ended" ? { kind: "ended" } : { kind: "signin", code: verdict.wait });
}

async function askSession() {
  let answer;
  let said = null;
  try {
    answer = await get("/outbox/session");
    if (answer.ok) said = await answer.json();
  } catch { /* no network, or a captive portal's page */ }
  const signedOut = answer?.status === 401 && judge(401, answer.headers, "-");
  announce({ kind: "net", ok: Boolean(said?.csrf || signedOut) }, false);
  if (signedOut && signedOut.wait !== "net") { refused(signedOut); return null; }
  if (!said?.csrf) { rest(0); return null; }
  const { seed, ...rest_ } = said;
  await openKey(said.user, seed).catch(() => {});
  if (here.user && String(said.user) !== here.user) refused({ wait: "user" });
  else {
    Object.assign(here, { csrf: said.csrf, sure: Date.now(), max: said.max });
    stopped = "";
  }
  announce({ kind: "session", ...rest_ }, false);
  return rest_;
}

let asking = null;
/** Who is signed in here, a fresh token, the key: {user, name, csrf, max, version}, or null. */
export function session() {
  asking ||= askSession().finally(() => { asking = null; });
  return asking;
}

// ---- one entry -----------------------------------------------------------------------------------------------

function bodyOf(fields) {
  const body = fields.some(([, value]) => typeof value !== "string") ? new FormData() : new URLSearchParams();
  for (const [name, value] of fields) body.append(name, value.data ? new File([value.data], value.name, value) : value);
  return body;
}

/** One POST under the entry's key: {verdict, reply: {status, headers, text}}; the token is renewed where it is stale. */
export async function post(entry, fields, headers = {}) {
  const own = { ...headers, "HX-Request": "true", "Idempotency-Key": entry.key, "Outbox-User": entry.user, "Outbox-At": deviceTime(new Date(entry.at)), "Outbox-Waited": String(Math.round((Date.now() - entry.at) / 1000)), "Outbox-Attempt": String(entry.attempts || 1) };
  if (entry.after?.length) own["Outbox-After"] = entry.after.join(",");
  if (entry.revises?.length) own["Outbox-Revises"] = entry.revises.join(",");
  if (entry.for) own["Outbox-For"] = String(entry.for);
  Object.assign(own, await report(entry.user).catch(() => ({})));
  for (let tries = 0; ; tries += 1) {
    if (!here.csrf) await session();
    if (!here.csrf) return { verdict: { wait: stopped || "net", code: "" } };
    let answer;
    try {
      answer = await fetch(entry.url, {
        method: entry.method, headers: { ...own, "X-CSRFToken": here.csrf }, body: bodyOf(fields),
        cache: "no-store", redirect: "manual", credentials: "same-origin", signal: timeout(patience(entry.bytes || 0)),
      });
    } catch {
      return { verdict: { wait: "net", code: "" } };
    }
    const verdict = judge(answer.status, answer.headers, entry.key);
    if (verdict.wait === "csrf" && tries < 3) { here.csrf = ""; continue; }
    // The head proves; a body that broke off is only missed by whoever wanted to show it.
    const text = await answer.text().catch(() => null);
    return { verdict, reply: text === null ? null : { status: answer.status, headers: answer.headers, text } };
  }
}

// What became of an entry that may have arrived: an outcome, or null when the server does not know it.
async function remembersIt({ key, for: owner }) {
  let answer;
  try {
    answer = await get(`/outbox/result/${key}`, owner && { "Outbox-For": String(owner) });
    const code = answer.headers.get("Outbox-Error");
    if (answer.status === 404 && code === "unknown") return null;
    if (answer.status === 409 && code === "superseded") return { verdict: { state: "done", code } };
    if (answer.ok) return { ...DONE, result: await answer.json() };
  } catch { /* below */ }
  const verdict = answer ? judge(answer.status, answer.headers, key) : { wait: "net" };
  return { verdict: verdict.wait ? verdict : { wait: "net" } };
}

function placeOf({ reply, result }) {
  const to = result?.location || reply?.headers.get("HX-Redirect") || reply?.headers.get("Outbox-Location");
  if (!to) return "";
  const address = new URL(to, location);
  address.searchParams.delete("notice");
  return address.pathname + address.search + address.hash;
}

async function attempt(key, headers) {
  const marked = await markSending(key);
  if (!marked) return BUSY;
  const { row, doubt, body } = marked;
  if (!body) { await markStuck(row, "error", { error: "lost" }); return BUSY; } // one store emptied by the system, the other not
  let outcome;
  try {
    const open = await opener(row.user);
    const [words, { fields }] = [await open(row.sealed), await open(body.sealed)];
    if (here.max && row.bytes > here.max) outcome = { verdict: { state: "error", code: "too-large" } };
    outcome ||= doubt && row.bytes > BIG ? await remembersIt(row) : null;
    outcome ||= await post({ ...row, ...words }, fields, headers);
  } catch (error) {
    await markHeld(key, row.attempts, doubt);
    if (!(error instanceof Locked)) throw error;
    outcome = { verdict: { wait: "locked" } };
  }
  await settle(row, outcome);
  return outcome;
}

// Longer and longer pauses while nothing is proved; as long as the server asks when it asks.
function rest(asked) {
  pause = { until: performance.now() + (asked || backoff(failures)), asked: asked > 0 };
  if (!asked) failures += 1;
}

async function settle(row, outcome) {
  const { verdict, reply, result } = outcome;
  const { state, wait, code: error = "", after } = verdict;
  const status = result?.status || reply?.status || 0;
  announce({ kind: "net", ok: wait !== "net" }, false);
  if (wait !== "net") failures = 0;
  if (state === "done") {
    here.sure = Date.now();
    const location = placeOf(outcome);
    if (await markDone(row, { status, location, error })) announce({ kind: "sent", key: row.key, location });
  } else if (state) {
    await markStuck(row, state, { status, error, answer: reply?.text || "", location: placeOf(outcome) });
  } else if (wait === "server") {
    await markWaiting(row, { next: Date.now() + (after || backoff(row.attempts - 1, undefined, 5000, 3_600_000)), error: error || wait, status });
  } else {
    if (wait === "net" || wait === "busy" || wait === "csrf") rest(after);
    else refused(verdict);
    await markWaiting(row, { next: 0, error: error || wait, status });
  }
}

// One tab at a time for one entry. Whoever holds it and has not been heard of sleeps: it is taken over.
async function once(key, work) {
  if (!locks) return work();
  const name = `outbox:${key}`;
  const outcome = await locks.request(name, { ifAvailable: true }, (lock) => (lock ? work() : BUSY));
  if (outcome !== BUSY) return outcome;
  const row = await rowOf(key);
  const frozen = row?.state === "queued" && row.sending && Math.abs(Date.now() - row.sending) > patience(row.bytes) + FROZEN;
  return frozen ? locks.request(name, { steal: true }, work) : BUSY;
}

/** Send this entry now, whoever drains: {verdict, reply}, or undefined when another tab is at it or it has to wait. */
export async function send(key, headers) {
  if (!flying.has(key)) {
    const way = once(key, () => attempt(key, headers)).catch((error) => { console.warn("outbox:", error); return BUSY; });
    flying.set(key, way.finally(() => flying.delete(key)));
  }
  const outcome = await flying.get(key);
  return outcome === BUSY ? undefined : outcome;
}

/** Whether this entry may go before all that lies there. */
export async function mayGo(key) {
  const row = await rowOf(key);
  return Boolean(row) && !blocked(row, await rowsOf(row.user));
}

/** Nothing got through when this was last tried. */
export const isQuiet = () => failures > 0 || globalThis.navigator?.onLine === false;

// ---- all of them ---------------------------------------------------------------------------------------------

async function loop(user, turn) {
  const skipped = new Set();
  while (turn.mine && !stopped && performance.now() >= pause.until) {
    const rows = (await rowsOf(user)).filter(isPending);
    const out = new Set([...flying.keys(), ...skipped]);
    for (const { key } of ready(rows, out, Date.now(), LANES + skipped.size)) {
      send(key).then((outcome) => { if (!outcome) skipped.add(key); });
    }
    if (!flying.size) break;
    await Promise.race(flying.values());
  }
  await Promise.all(flying.values());
  return skipped.size > 0;
}

async function held(user, turn) {
  const beat = () => turn.mine && remember("lease", Date.now()).catch(() => {});
  await beat();
  const beating = setInterval(beat, BEAT);
  try {
    return await loop(user, turn);
  } finally {
    clearInterval(beating);
  }
}

// One drain on this phone; true when there is more to do. A lock whose holder has not beaten for a minute is stolen,
// after a second look; who wakes up without it lets go.
async function alone(user) {
  const turn = { mine: true };
  const work = () => held(user, turn);
  if (!locks) return work();
  try {
    const outcome = await locks.request(LOCK, { ifAvailable: true }, (lock) => (lock ? work() : BUSY));
    if (outcome !== BUSY) return outcome;
    const lease = await remembered("lease");
    if (Math.abs(Date.now() - (lease || 0)) < FROZEN) return true;
    await sleep(3000);
    return (await remembered("lease")) !== lease || (await locks.request(LOCK, { steal: true }, work));
  } catch (error) {
    turn.mine = false;
    if (error.name === "AbortError") return true;
    throw error;
  }
}

async function run(why) {
  const owner = await currentUser();
  const user = here.user || (owner && String(owner.id));
  if (!user || (owner && String(owner.id) !== user)) return;
  if (Date.now() - ((await remembered("purged")) || 0) > DAY) {
    await remember("purged", Date.now());
    await purgeOld();
  }
  const waiting = (rows) => rows.filter((row) => row.state === "queued");
  const rows = waiting(await rowsOf(user));
  if (performance.now() < pause.until || !rows.some((row) => isDue(row, Date.now()))) return plan(rows);
  // What is big outlives the page in the worker; when that one cannot, the timer does it here.
  const worker = why !== "timer" && rows.some((row) => row.bytes > BIG) && globalThis.navigator?.serviceWorker?.controller;
  if (worker) { worker.postMessage("drain"); return plan(rows, 10_000); }
  // A refusal at the door cuts a big upload off, and the phone would see a broken line for ever: ask first.
  const doubtful = stopped || !here.csrf || !(await knowsKey(user)) || (Date.now() - here.sure > SURE && rows.some((row) => row.bytes > BIG));
  if (doubtful) {
    const said = await session();
    if (!said || String(said.user) !== user) return plan(rows);
  }
  const more = await alone(user);
  plan(waiting(await rowsOf(user)), more ? 2000 : 0);
}

// When to look again by itself.
function plan(rows, soonest = 0) {
  clearTimeout(timer);
  const free = rows.filter((row) => !blocked(row, rows));
  if (stopped || !free.length) return;
  const next = Math.min(...free.map((row) => row.next));
  const wait = Math.max(soonest, next - Date.now(), pause.until - performance.now(), 500);
  timer = setTimeout(() => drain("timer"), Math.min(wait, 3_600_000));
}

let draining = null;
let again = false;
/** Send what can be sent. `why`: start, online, visible, focus, timer, put, sign-in, tap, sync. */
export function drain(why = "") {
  if (why === "tap" || why === "online" || why === "sign-in") failures = 0;
  if (why === "tap" || (["online", "visible", "focus", "sign-in", "sync"].includes(why) && !pause.asked)) pause = { until: 0, asked: false };
  if (stopped && why === "timer") return Promise.resolve();
  if (draining) { again = true; return draining; }
  draining = run(why).catch((error) => console.warn("outbox:", error)).finally(() => {
    draining = null;
    if (again) { again = false; drain("put"); }
  });
  return draining;
}

/** In a page: everything that may mean that the network is back. */
export function triggers() {
  addEventListener("online", () => drain("online"));
  addEventListener("focus", () => drain("focus"));
  addEventListener("pageshow", (event) => { if (event.persisted) drain("visible"); });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") drain("visible"); });
  // After htmx has seen the page: what hears of a sent entry shall not miss the first.
  if (document.readyState !== "loading") drain("start");
  else document.addEventListener("DOMContentLoaded", () => drain("start"));
}
