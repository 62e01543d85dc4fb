// The service worker: pages and files without a network, and the queue when no page is open. It never touches a POST.

import { sleep } from "../ids.js";
import { remembered } from "../outbox/db.js";
import { drain } from "../outbox/send.js";
import { expire, minding } from "../people.js";
import { answer, introduce } from "./pages.js";
import { take } from "./take.js";

// ---- files of the app itself, by version ---------------------------------------------------------------------
// The last two versions: a page kept under an older one still finds its files.

const PREFIX = "static-";
const DEADLINE = 3000;
const ours = async () => (await caches.keys()).filter((name) => name.startsWith(PREFIX));
const find = (path, cacheName) => caches.match(path, { cacheName, ignoreVary: true });

/** The same file of whatever version there is. */
async function likeness(name) {
  for (const cache of (await ours()).reverse()) {
    const found = await find(`/s/${cache.slice(PREFIX.length)}/${name}`, cache);
    if (found) return found;
  }
  return undefined;
}

async function asset(request, { pathname }) {
  const [, , version, ...rest] = pathname.split("/");
  const cache = PREFIX + version;
  const found = await find(pathname, cache).catch(() => undefined);
  if (found) return found;
  const asked = fetch(request).then(async (answer) => {
    if (answer.ok && /immutable/.test(answer.headers.get("Cache-Control"))) {
      const twin = answer.clone();
      if ((await ours()).includes(cache)) (await caches.open(cache)).put(pathname, twin).catch(() => {});
    }
    return answer;
  });
  const answer = await Promise.race([asked.catch(() => null), sleep(DEADLINE)]);
  if (answer?.ok) return answer;
  return (await likeness(rest.join("/"))) || asked;
}

/** Keep these files; what cannot be had now is had when it is asked for. How many are missing. */
async function keepAssets(version, names) {
  const cache = await caches.open(PREFIX + version);
  const kept = await Promise.all(names.map(async (name) => {
    const path = `/s/${version}/${name}`;
    try {
      if (await cache.match(path, { ignoreVary: true })) return true;
      // What others have made carries its version in its name: it need not travel twice.
      const answer = (name.startsWith("vendor/") && (await likeness(name))) || (await fetch(path));
      if (answer.ok) await cache.put(path, answer);
      return answer.ok;
    } catch {
      return false;
    }
  }));
  return kept.filter((one) => !one).length;
}

/** Only this version and the one before it stay. */
async function tidyAssets(version) {
  const others = (await ours()).filter((name) => name !== PREFIX + version);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}

// ---- events --------------------------------------------------------------------------------------------------

const quietly = (work) => work.catch(() => {});

/** `told`, by the stub at /sw.js: {version, pages, scanner, csp}. */
export function start(told) {
  introduce(told.csp);
  minding();
  const install = async () => {
    await keepAssets(told.version, told.pages);
    const cache = await caches.open(PREFIX + told.version);
    await quietly(fetch("/offline/nothing", { credentials: "omit" }).then((page) => page.ok && cache.put("/offline/nothing", page)));
    await self.skipWaiting(); // pages of the version before find their files all the same
  };
  const begin = async () => {
    await tidyAssets(told.version);
    await quietly(expire());
    await self.registration.navigationPreload?.enable();
    await self.clients.claim();
  };
  const pack = () => take(() => keepAssets(told.version, [...told.pages, ...told.scanner]));
  self.addEventListener("install", (event) => event.waitUntil(quietly(install())));
  self.addEventListener("activate", (event) => event.waitUntil(begin()));
  self.addEventListener("sync", (event) => { if (event.tag === "outbox") event.waitUntil(drain("sync")); });
  self.addEventListener("message", (event) => {
    if (event.data === "claim") event.waitUntil(self.clients.claim()); // claiming misses a page that is just loading
    if (event.data === "pack") event.waitUntil(pack());
    if (event.data === "drain") event.waitUntil(drain("sync")); // big ones: a page may be left while they go
  });
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== self.location.origin) return;
    if (url.pathname.startsWith("/s/")) event.respondWith(asset(request, url));
    else if (request.mode === "navigate" || request.headers.has("HX-History-Restore-Request")) event.respondWith(answer(event, url));
  });
  remembered("user").catch(() => {}); // opens the database while the network is asked
}
