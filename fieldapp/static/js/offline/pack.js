// The page 出发前打包: what is on this phone, how old, how large; one tap brings it up to date.

import { say as told } from "../outbox/badge.js";
import { dropPages, forget, pagesOf, remembered } from "../outbox/seal.js";
import { codesOf } from "./codes.js";

const DAY = 86_400_000;
const SHOWN = 8;

/** "刚刚", minutes, hours, days: [which sentence, how many]. */
export function age(ms) {
  if (ms < 90_000) return ["Now", 0];
  if (ms < 90 * 60_000) return ["Minutes", Math.round(ms / 60_000)];
  if (ms < 36 * 3_600_000) return ["Hours", Math.round(ms / 3_600_000)];
  return ["Days", Math.round(ms / DAY)];
}

const megabytes = (bytes) => (bytes / 1_048_576).toFixed(bytes < 1_048_576 ? 2 : 1);

export default async (box) => {
  const { user } = document.documentElement.dataset;
  const go = document.getElementById("pack-go");
  const find = (name, root = box) => root.querySelector(`[data-${name}]`);
  const say = (key, values) => told(box, key, values);
  const ago = (at) => { const [key, n] = age(Math.max(0, Date.now() - at)); return say(key, { n }); };
  let all = false;
  let going = false;

  async function look() {
    const [pack, pages, codes] = await Promise.all([remembered(`pack:${user}`), pagesOf(user), codesOf(user)]);
    const groups = pack?.groups || {};
    const sizes = new Map(pages.map((page) => [page.path, page.bytes]));
    const of = (paths) => paths.reduce((sum, path) => sum + (sizes.get(path) || 0), 0);
    const whole = (key) => groups[key]?.k.every((path) => sizes.has(path));
    const wanted = (pack?.wanted || []).filter((key) => key !== "d");
    const missing = wanted.filter((key) => !whole(key)).length;
    const at = pack?.at || 0;
    const old = at && Date.now() - at > DAY / 2;
    const words = { n: wanted.length - missing, age: ago(at) };

    if (!going) {
      find("state").textContent = !at && !wanted.length ? say("None") : missing ? say("Missing", { n: missing }) : say("All");
      find("more").textContent = !at ? (wanted.length ? say("Cut") : say("NoneMore")) : say(old ? "Old" : "More", words);
      find("mark").className = `row-lead ${!at || missing || old ? "tone-warn" : "tone-ok"}`;
      if (pack) go.querySelector("span").textContent = say("Update");
    }
    const total = pages.reduce((sum, { bytes }) => sum + bytes, 0);
    find("sizes").hidden = !total && !going;
    find("total").textContent = say("Size", { n: megabytes(total) });

    const names = new Map(codes.map(([id, name]) => [String(id), name]));
    const rows = wanted.filter((key) => names.has(key));
    find("next").hidden = !rows.length;
    find("all").hidden = all || rows.length <= SHOWN;
    find("list").replaceChildren(...rows.slice(0, all ? rows.length : SHOWN).map((key) => {
      const row = box.querySelector("template[data-row]").content.firstElementChild.cloneNode(true);
      const link = row.querySelector("a");
      link.textContent = names.get(key);
      link.href = `/enterprises/${key}`;
      find("words", row).textContent = groups[key] ? `${say("Pages", { n: groups[key].k.length })} · ${say("Size", { n: megabytes(of(groups[key].k)) })}` : "";
      find(whole(key) ? "away" : "here", row).remove();
      return row;
    }));

    const packed = new Set(Object.values(groups).flatMap(({ k }) => k));
    const cases = Object.entries(groups).filter(([key]) => key !== "d").flatMap(([, { k }]) => k);
    const passing = pages.filter(({ path }) => !packed.has(path));
    const scanner = Boolean(await globalThis.caches?.match(box.dataset.wasm, { ignoreVary: true }).catch(() => null));
    const tell = (part, count, bytes, when) => {
      const row = box.querySelector(`[data-part=${part}]`);
      row.hidden = !count && part !== "scanner";
      for (const [name, text] of [["count", count || ""], ["size", bytes ? say("Size", { n: megabytes(bytes) }) : ""]]) {
        find(name, row).textContent = text;
        find(name, row).hidden = !text;
      }
      find("when", row).textContent = when ? ago(when) : "";
      find("when", row).hidden = !when;
    };
    find("what").hidden = !pages.length;
    tell("cases", cases.length && say("Count", { n: wanted.length - missing }), of(cases), at);
    tell("desk", groups.d && say("Pages", { n: groups.d.k.length }), of(groups.d?.k || []), at);
    tell("passing", passing.length && say("Pages", { n: passing.length }), passing.reduce((sum, { bytes }) => sum + bytes, 0), Math.max(0, ...passing.map((page) => page.at)));
    tell("scanner", "", 0, 0);
    find("missing").hidden = scanner;
    find("when", box.querySelector("[data-part=scanner]")).hidden = !scanner;
    if (scanner) find("when", box.querySelector("[data-part=scanner]")).textContent = say("All");
    find("clear").hidden = !pages.length;
  }

  function progress({ done = 0, of = 0, over, error }) {
    const bar = find("bar");
    if (over) {
      going = false;
      bar.hidden = true;
      go.removeAttribute("aria-disabled");
      go.classList.remove("is-busy");
      find("told").textContent = say(error || "Done");
      look();
      return;
    }
    if (!going) { going = true; find("told").textContent = ""; }
    find("sizes").hidden = false;
    bar.hidden = false;
    bar.max = of || 1;
    bar.value = done;
    find("state").textContent = say("Going");
    find("more").textContent = say("GoingMore", { done: Math.max(0, done - 1), of: Math.max(0, of - 1) });
  }

  const workers = navigator.serviceWorker;
  if (!workers || !globalThis.BroadcastChannel) { find("unable").hidden = false; find("state").textContent = say("None"); return; }
  new BroadcastChannel("pack").addEventListener("message", ({ data }) => progress(data));
  find("all").addEventListener("click", () => { all = true; look(); });
  find("drop").addEventListener("click", async () => {
    await dropPages(user);
    await forget(`pack:${user}`);
    await forget(`codes:${user}`);
    find("told").textContent = say("Cleared");
    find("clear").open = false;
    look();
  });
  go.hidden = false;
  go.addEventListener("click", async () => {
    if (going) return;
    progress({});
    go.setAttribute("aria-disabled", "true");
    go.classList.add("is-busy");
    try {
      const { active } = await Promise.race([workers.ready, new Promise((_resolve, reject) => { setTimeout(reject, 8000); })]);
      active.postMessage("pack");
    } catch {
      going = false;
      find("unable").hidden = false;
      progress({ over: true, error: "net" });
    }
  });
  try { await look(); } catch { find("unable").hidden = false; }
  if (location.hash === "#go") { // one tap on 今日 is enough
    history.replaceState(history.state, "", location.pathname);
    if (navigator.onLine) go.click();
  }
};
