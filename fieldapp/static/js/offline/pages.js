// Kept pages: the network first, and what is on the phone when it does not answer in time. A page belongs to the
// person it was made for, and is shown to nobody else. The worker answers with these; nothing here knows a page.

import { currentUser, dropPages, keepPages, pageOf, remembered } from "../outbox/store.js";
import { knowsKey } from "../outbox/seal.js";
import { expire, finishSignOut } from "../people.js";
import { codesOf } from "./codes.js";
import { overtaken, renew } from "./overtaken.js";

const HOUR = 3_600_000;
const NOTHING = "/offline/nothing";
const told = { csp: "", at: 0 };
let doubt = 0; // until then the network is not waited for long
let expired = 0;
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

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

async function keepAndRenew(path, answer) {
  await keep(path, answer);
  const me = await currentUser();
  if (me) await renew(me.id, keep);
}

const GONE = [403, 404, 410];
const GATEWAY = [502, 503, 504];

async function ask(event, path, preloaded) {
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
  return html ? pageFrom(html, 0, reason) : Response.error();
}

/** The answer to a navigation, or to htmx going back. */
export async function answer(event, url) {
  const missing = url.pathname.startsWith("/q/") ? "code" : "page";
  const leaving = await remembered("signout").catch(() => null);
  if (leaving) event.waitUntil(Promise.resolve(event.preloadResponse).catch(() => {})); // asked while still signed in
  if (leaving && !(await finishSignOut())) return nothing(missing);
  const path = pathOf(url);
  const asked = ask(event, path, !leaving);
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
