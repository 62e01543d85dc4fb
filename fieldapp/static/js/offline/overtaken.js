// Kept pages that show what an own change, sent since, has replaced. A form of that age would put the old words back:
// it is not shown from the phone any more, and such pages are asked for again as soon as there is a network.

import { rowsOf } from "../outbox/queue.js";
import { ask, dropPages, within } from "../outbox/store.js";

const RECORD = /^\/[\w-]+\/([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})(\/.)?/; // /needs/<id>, and what lies under it: forms
const MOST = 8;
const done = new Map(); // user: the last change that has been seen to

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
export async function overtaken(user, path, at) {
  const [, id, under] = RECORD.exec(path) || [];
  return Boolean(under) && (await changes(user)).get(id) > at;
}

/** With a network: what is kept of records changed since is asked for again. `keep(path, answer)`. */
export async function renew(user, keep) {
  const sent = await changes(user);
  const latest = Math.max(0, ...sent.values());
  if ((done.get(user) || 0) >= latest) return;
  const old = (await pagesAbout(String(user), sent)).filter(({ path, at }) => sent.get(RECORD.exec(path)[1]) > at);
  for (const { path } of old.slice(0, MOST)) {
    const answer = await fetch(path, { redirect: "manual" });
    if (answer.ok) await keep(path, answer);
    else if (answer.status < 500) await dropPages(user, [path]); // over, or somebody else's now
  }
  done.set(user, latest); // a line that broke meanwhile: the next page tries again
}
