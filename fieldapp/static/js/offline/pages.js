// Kept pages: the network first, and what is on the phone when it does not answer in time. A page belongs to the
// person it was made for, and is shown to nobody else. The worker answers with these; nothing here knows a page.

import { sleep } from "../ids.js";
import { rowsOf } from "../outbox/queue.js";
import { ask, currentUser, dropPages, keepPages, knowsKey, pageOf, remembered, within } from "../outbox/seal.js";
import { expire, finishSignOut } from "../people.js";
import { codesOf } from "./codes.js";

const HOUR = 3_600_000;
const NOTHING = "/offline/nothing";
const told = { csp: "", at: 0 };
let doubt = 0; // until then the network is not waited for long
let expired = 0;

/** The usual Content-Security-Policy, from the worker's stub. */
export const introduce = (csp) => { told.csp = csp; };

/** Under which name a page is kept: without what only greets. */
export function pathOf(url) {
  const query = url.search.slice(1).split("&").filter((part) => part && !part.startsWith("notice="));
  return url.pathname + (query.length ? `?${query.join("&")}` : "");
}

/** A page as it is kept: its own policy, where it has one, in a comment before it. */
export const withPolicy = (html, csp) => (csp && csp !== told.csp ? `<!--${csp}-->${html}` : html);

export function pageFrom(html, at, reason = "") {
  const [, csp = told.csp, page] = /^(?:<!--([^>]*)-->)?([^]*)$/.exec(html);
  const marks = (at ? ` data-cached="${at}"` : "") + (reason && ` data-reason="${reason}"`);
  return new Response(page.replace("<html", `<html${marks}`), {
    headers: {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": csp,
      "Cross-Origin-Opener-Policy": "same-origin",
      "X-Content-Type-Options": "nosniff",
      "Referrer-Policy": "same-origin",
    },
  });
}

/** A page as it came: kept for whom it was made, if it may be kept at all. */
async function keep(path, answer) {
  const user = answer.headers.get("Page-User");
  if (!user || !answer.headers.get("Page-Kept") || !(await knowsKey(user))) return;
  const html = (await answer.text()).replace(/<p class="note[^>]*data-notice>[^]*?<\/p>/, "");
  await keepPages(user, [{ path, html: withPolicy(html, answer.headers.get("Content-Security-Policy")), hash: "", at: Date.now() }]);
}

// ---- overtaken -----------------------------------------------------------------------------------------------
// Kept pages that show what an own change, sent since, has replaced. A form of that age would put the old words back:
// it is not shown from the phone any more, and such pages are asked for again as soon as there is a network.

const RECORD = /^\/[\w-]+\/([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(\/.)?/; // /needs/<id>, and what lies under it: forms
const MOST = 8;
const seenTo = new Map(); // user: the last change that has been seen to

/** record: when a change of it, made here, reached the server. */
async function changes(user) {
  const at = new Map();
  for (const { state, photo, keys, sentAt } of await rowsOf(user)) {
    if (state === "done" && !photo) for (const id of keys) at.set(id, Math.max(at.get(id) || 0, sentAt));
  }
  return at;
}

/** [{path, at}] of the kept pages about these records; the others are not read. */
const pagesAbout = (user, records) => within("pages", "readonly", async (at) => {
  const ids = await ask(at().index("user").getAllKeys(user));
  const about = ids.filter((id) => records.has(RECORD.exec(id.slice(user.length + 1))?.[1]));
  return Promise.all(about.map((id) => ask(at().get(id))));
});

/** Whether this is a form from before a change. `at`: when it was kept. */
async function overtaken(user, path, at) {
  const [, id, under] = RECORD.exec(path) || [];
  return Boolean(under) && (await changes(user)).get(id) > at;
}

/** With a network: what is kept of records changed since is asked for again. */
async function renew(user) {
  const sent = await changes(user);
  const latest = Math.max(0, ...sent.values());
  if ((seenTo.get(user) || 0) >= latest) return;
  const old = (await pagesAbout(String(user), sent)).filter(({ path, at }) => sent.get(RECORD.exec(path)[1]) > at);
  for (const { path } of old.slice(0, MOST)) {
    const answer = await fetch(path, { redirect: "manual" });
    if (answer.ok) await keep(path, answer);
    else if (answer.status < 500) await dropPages(user, [path]); // over, or somebody else's now
  }
  seenTo.set(user, latest); // a line that broke meanwhile: the next page tries again
}

// ---- answering -----------------------------------------------------------------------------------------------

async function keepAndRenew(path, answer) {
  await keep(path, answer);
  const me = await currentUser();
  if (me) await renew(me.id);
}

const GONE = [403, 404, 410];
const GATEWAY = [502, 503, 504];

async function online(event, path, preloaded) {
  try {
    const answer = (preloaded && (await event.preloadResponse)) || (await fetch(event.request));
    if (answer.ok) event.waitUntil(keepAndRenew(path, answer.clone()).catch(() => {}));
    if (GONE.includes(answer.status)) {
      const me = await currentUser();
      if (me) await dropPages(me.id, [path]);
    }
    return answer;
  } catch {
    return null;
  }
}

// A search in a list is answered by the list itself: its script searches what is on the phone.
function places(url) {
  const found = [pathOf(url)];
  if (/^\/(enterprises|choose\/\w+)$/.test(url.pathname)) {
    const plain = [...url.searchParams].every(([name, value]) => !value || name === "q" || (name === "scope" && value !== "pool"));
    if (plain) found.push(url.pathname);
  }
  return found;
}

async function copyOf(url) {
  const me = await currentUser();
  if (!me) return null;
  if (Date.now() - expired > HOUR) {
    expired = Date.now();
    await expire();
  }
  const [, token] = /^\/q\/([\w-]{16,64})$/.exec(url.pathname) || [];
  if (token) {
    const code = (await codesOf(me.id)).find((one) => one[2] === token);
    return code ? Response.redirect(`/enterprises/${code[0]}`, 302) : null;
  }
  for (const path of places(url)) {
    const page = await pageOf(me.id, path);
    if (page) return (await overtaken(me.id, path, page.at)) ? nothing("changed") : pageFrom(page.html, page.at);
  }
  return null;
}

async function nothing(reason) {
  const me = await currentUser().catch(() => null);
  const own = me && (await pageOf(me.id, NOTHING).catch(() => null));
  const html = own ? own.html : await (await caches.match(NOTHING))?.text();
  return html ? pageFrom(html, 0, me ? reason : "out") : Response.error();
}

/** The answer to a navigation, or to htmx going back. */
export async function answer(event, url) {
  const missing = url.pathname.startsWith("/q/") ? "code" : "page";
  const leaving = await remembered("signout").catch(() => null);
  if (leaving) event.waitUntil(Promise.resolve(event.preloadResponse).catch(() => {})); // asked while still signed in
  if (leaving && !(await finishSignOut())) return nothing(missing);
  const path = pathOf(url);
  const asked = online(event, path, !leaving);
  event.waitUntil(asked); // a late answer still renews what is kept
  const first = await Promise.race([asked, sleep(Date.now() < doubt ? 800 : 3000)]);
  if (first && !GATEWAY.includes(first.status)) {
    doubt = 0;
    return first;
  }
  doubt = Date.now() + 60_000;
  const copy = await copyOf(url).catch(() => null);
  return copy || (await asked) || nothing(missing);
}
