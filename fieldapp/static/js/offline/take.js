// Taking the pack: one stream, a line a page, told as what differs from pages told before (fieldapp/offline/pack.py).
// Whatever has come whole stays, however it ends; the next time goes on from there.

import { sleep } from "../ids.js";
import { currentUser, dropPages, keepPages, knowsKey, pagesOf, remembered, rememberOf, seal } from "../outbox/seal.js";
import { session } from "../outbox/send.js";
import { withPolicy } from "./pages.js";

const MOST_SAID = 7900;
const DAY = 86_400_000;
const [NUMBER, NAME] = ["\ue000", "\ue001"];

/** What is here, for the header Pack-Have. A group that is not whole has no stamp worth naming. */
export function haveOf({ index = "", groups = {} }, pages) {
  const hashes = new Map(pages.map(({ path, hash }) => [path, hash]));
  let said = `x${index}`;
  for (const [key, { s, k }] of Object.entries(groups)) {
    const whole = k.every((path) => hashes.has(path));
    const known = k.map((path) => hashes.get(path) || "").join("");
    const long = `~${key}.${whole ? s : s.replace(/./g, "-")}${known}`;
    if (said.length + long.length < MOST_SAID) said += long;
    else if (whole && said.length + s.length + key.length + 2 < MOST_SAID) said += `~${key}.${s}`;
  }
  return said;
}

/** One page again, from what it is told as. */
export function heard({ t, f }, memory) {
  const page = [];
  for (let at = 0; at < t.length; at += 1) {
    if (typeof t[at] === "string") {
      memory.push(t[at]);
      page.push(t[at]);
    } else {
      for (let line = t[at], end = line + t[(at += 1)]; line < end; line += 1) page.push(memory[line]);
    }
  }
  if (f) for (const line of page) memory.push(line);
  return page.join("\n");
}

async function* linesOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) yield JSON.parse(line);
  }
}

async function run(user, report) {
  const name = `pack:${user}`;
  const had = (await remembered(name)) || { groups: {} };
  const here = { ...had, groups: { ...had.groups }, tried: Date.now() };
  await rememberOf(user, "pack", here);
  const kept = await pagesOf(user);
  const answer = await fetch("/offline/pack", { headers: { "Pack-Have": haveOf(had, kept) }, cache: "no-store", redirect: "manual" });
  if (!answer.ok) return { error: answer.status === 503 ? "busy" : "net" };
  const came = { done: 0, of: 0 };
  let [memory, batch, ended, before, veils] = [[], [], false, {}, []];
  const save = async () => {
    const pages = batch.splice(0);
    if (pages.length && !(await keepPages(user, pages))) throw new Error("Signed out meanwhile");
    await rememberOf(user, "pack", here);
  };
  const bare = (text) => text.replaceAll(NUMBER, veils[0]).replaceAll(NAME, () => veils[1]);
  try {
    for await (const line of linesOf(answer.body)) {
      if (line.groups) {
        if (String(line.user) !== String(user)) return { error: "user" };
        came.of = line.groups.length;
        [before, here.wanted] = [here.groups, line.groups];
      } else if (line.b) {
        veils = [line.b, line.n];
      } else if (line.p) {
        batch.push({ path: bare(line.p), html: withPolicy((line.w ? String : bare)(heard(line, memory)), line.c), hash: line.h, at: Date.now() });
      } else if (line.g) {
        const paths = line.k.map(bare);
        const left = (here.groups[line.g]?.k || []).filter((path) => !paths.includes(path));
        if (left.length) await dropPages(user, left);
        here.groups[line.g] = { s: line.s, k: paths };
        if (batch.length > 24) await save();
        came.done = line.g === "d" ? 1 : here.wanted.indexOf(line.g) + 1;
      } else if (line.index) {
        await rememberOf(user, "codes", await seal(user, line.index));
        here.index = line.x;
      } else if (line.forget) {
        memory = [];
      } else if (line.end) {
        ended = true;
      }
      report({ ...came });
    }
  } catch (error) {
    if (error.name === "QuotaExceededError") return { error: "full", ...came };
  }
  if (ended) {
    // Whoever is served no more goes, and what was looked at in passing, after a day.
    here.groups = Object.fromEntries(Object.entries(here.groups).filter(([key]) => here.wanted.includes(key)));
    const stay = new Set(Object.values(here.groups).flatMap(({ k }) => k));
    const packed = new Set(Object.values(before).flatMap(({ k }) => k));
    await save();
    const gone = (await pagesOf(user)).filter(({ path, at }) => !stay.has(path) && (packed.has(path) || Date.now() - at > DAY));
    await dropPages(user, gone.map(({ path }) => path));
    here.at = Date.now();
  }
  await save();
  return { error: ended ? "" : "cut", ...came, done: ended ? came.of : came.done };
}

/** Bring the pack up to date. What became of it has `error`: "", net, busy, cut, full, user, running, signin. Everybody on
 *  this phone hears {done, of} on the channel "pack", and `over` at the end. `also` brings what else is wanted. */
export async function take(also) {
  const channel = new BroadcastChannel("pack");
  const tell = (news) => channel.postMessage(news);
  const work = async (lock) => {
    if (!lock) return { error: "running" };
    let me;
    // The page that asks may not have heard yet whose phone this is.
    for (let tries = 0; !(me = await currentUser()) && tries < 40 && !(await remembered("signout")); tries += 1) await sleep(250);
    if (!me || (!(await knowsKey(me.id)) && String((await session())?.user) !== String(me.id))) return { error: "signin" };
    return run(me.id, tell);
  };
  const { locks } = navigator;
  const result = await (locks ? locks.request("pack", { ifAvailable: true }, work) : work(true)).catch(() => ({ error: "net" }));
  if (!result.error && (await also().catch(() => 1))) result.error = "cut";
  if (result.error !== "running") tell({ ...result, over: true });
  channel.close();
  return result;
}
