// Ids and the wall clock, as the phone makes them, and words with places in them. Without page up to where it says so:
// the worker asks too.

const tidy = (hex) => hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

// UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness. Made on the phone, once, at submit.
export function uuid7(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(16))) {
  const bytes = random.slice();
  for (let i = 5, rest = now; i >= 0; i -= 1, rest = Math.floor(rest / 256)) bytes[i] = rest % 256;
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return tidy(Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""));
}

// Local wall clock with its offset, as the phone believes it.
export function deviceTime(date = new Date()) {
  const pad = (n) => String(Math.trunc(Math.abs(n))).padStart(2, "0");
  const offset = -date.getTimezoneOffset();
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day}T${time}${offset < 0 ? "-" : "+"}${pad(offset / 60)}:${pad(offset % 60)}`;
}

export const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** What tells one chosen file from another. */
export const markOf = ({ name, size, lastModified }) => [name, size, lastModified].join();

/** A sentence with its {values}. */
export const filled = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);

// ---- page ----------------------------------------------------------------------------------------------------

/** Whether a moment was today. */
export const isToday = (at, now = Date.now()) => new Date(at).toDateString() === new Date(now).toDateString();

/** 11:32, or 11月23日 11:32 of another day, in the page's language. */
export function when(at, now) {
  const day = isToday(at, now) ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
}

/** Whether somebody has filled in this field by now: said, ticked or chosen otherwise than the page says it. */
export const typed = (field) => field.name && !["hidden", "submit", "button"].includes(field.type)
  && (field.options ? [...field.options].some((o) => o.selected !== o.defaultSelected) && field.selectedIndex > 0
    : field.value !== field.defaultValue || field.checked !== field.defaultChecked);
