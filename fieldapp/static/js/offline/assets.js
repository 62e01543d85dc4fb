// Files of the app itself, by version, the last two versions. A page kept under an older one still finds its files.

const PREFIX = "static-";
const DEADLINE = 3000;
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
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

export async function asset(request, { pathname }) {
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
export async function keepAssets(version, names) {
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
export async function tidyAssets(version) {
  const others = (await ours()).filter((name) => name !== PREFIX + version);
  await Promise.all(others.slice(0, -1).map((name) => caches.delete(name)));
}
