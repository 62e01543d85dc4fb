// The service worker: pages and files without a network, and the queue when no page is open. It never touches a POST.

import { remembered } from "../outbox/db.js";
import { drain } from "../outbox/send.js";
import { expire, minding } from "../people.js";
import { asset, keepAssets, tidyAssets } from "./assets.js";
import { answer, introduce } from "./pages.js";
import { take } from "./take.js";

const quietly = (work) => work.catch(() => {});

/** `told`, by the stub at /sw.js: {version, pages, scanner, csp}. */
export function start(told) {
  introduce(told.csp);
  minding();
  const install = async () => {
    await keepAssets(told.version, told.pages);
    const cache = await caches.open(`static-${told.version}`);
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
