// What an answer means, how long to wait, who goes before whom. Plain values in and out.

// A hundred entries go in a minute where every answer takes two seconds; of a browser's six connections one stays free.
export const LANES = 5;

/** The answer to an entry: {state: done|error|conflict, code}, or {wait: net|busy|server|auth|ended|user|csrf, code, after}.
 *  Only an answer that names the entry proves anything: captive portals and sign-in pages answer 200 too. */
export function judge(status, headers, key, now = Date.now()) {
  const code = headers.get("Outbox-Error") || "";
  const ours = (headers.get("Outbox-Ack") || "").toLowerCase() === key.toLowerCase();
  const after = retryAfter(headers.get("Retry-After"), now);
  if (status === 401 && code) return { wait: code === "ended" ? "ended" : "auth", code, after };
  if (status === 403 && (code === "user" || code === "csrf")) return { wait: code, code, after };
  if (status === 413 && !ours) return { state: "error", code: "too-large" }; // the proxy in front says it, for good
  if (!ours) return { wait: "net", code, after };
  if (status >= 200 && status < 300) return { state: "done", code };
  if (status === 409) return code === "superseded" ? { state: "done", code } : { state: "conflict", code };
  if ([408, 425, 429, 503].includes(status)) return { wait: "busy", code, after };
  if (status >= 500) return { wait: "server", code, after };
  if (status >= 400) return { state: "error", code };
  return { wait: "net", code, after };
}

/** Retry-After as milliseconds from now; 0 when nothing is said. */
export function retryAfter(text, now) {
  if (!text) return 0;
  const wait = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Math.min(Math.max(wait || 0, 0), 3_600_000);
}

/** Milliseconds before the n-th next try: doubling, spread by 30 %, never longer than `most`. */
export const backoff = (n, random = Math.random(), first = 2000, most = 300_000) => Math.min(first * 2 ** Math.min(n, 30), most) * (0.7 + 0.6 * random);

/** The earlier entry that this one has to wait for: one on its way to the same record, or a refused one that was to
 *  make it. A photo that is in trouble does not hold up the next one. */
export function blocked(entry, earlier) {
  const holds = (other) => (other.state === "queued" ? (entry.photo && other.photo && other.status >= 500 ? [] : other.keys) : other.made);
  return earlier.find((other) => other.state !== "done" && other.seq < entry.seq && holds(other).some((id) => entry.keys.includes(id)));
}

/** Whether its time has come, also where the clock has been put back since. */
export const isDue = (row, now) => row.next <= now || row.next > now + 7_200_000;

/** How long an attempt may take: a slow line moves 4 KB a second. */
export const patience = (bytes) => 20_000 + bytes / 4.096;

/** The entries to send now, of those in order: text before photos, at most two photos in the air. */
export function ready(rows, flying, now, lanes = LANES) {
  const free = rows.filter((row) => row.state === "queued" && isDue(row, now) && !flying.has(row.key) && !blocked(row, rows));
  const photos = rows.filter((row) => row.photo && flying.has(row.key)).length;
  const texts = free.filter((row) => !row.photo);
  return [...texts, ...free.filter((row) => row.photo).slice(0, Math.max(0, 2 - photos))].slice(0, Math.max(0, lanes - flying.size));
}
