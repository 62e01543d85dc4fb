// In every page of a signed-in person: the worker, its wake-ups, and now and then the pack.

import { remembered } from "../outbox/db.js";

const AGAIN = 15 * 60_000;

/** Whether a pack that is there should be brought up to date now. */
export const isDue = (pack, now, { onLine, connection }) =>
  Boolean(pack) && onLine && !connection?.saveData && Math.abs(now - pack.tried) > AGAIN;

export async function start(user) {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  try {
    await workers.register("/sw.js", { type: "module", updateViaCache: "none" });
  } catch {
    return; // this browser has none: everything but reading without a network works all the same
  }
  const { active, sync } = await workers.ready;
  if (!workers.controller) active.postMessage("claim");
  // Once for what is new: where the browser believes in its network the wake-up comes at once, and each attempt is a change.
  let known = 0;
  document.addEventListener("outbox:changed", ({ detail: { waiting } }) => {
    if (waiting > known) sync?.register("outbox").catch(() => {});
    known = waiting;
  });
  if (location.pathname === "/pack") return; // asks for itself
  setTimeout(async () => {
    if (isDue(await remembered(`pack:${user}`).catch(() => null), Date.now(), navigator)) active.postMessage("pack");
  }, 2000);
}
