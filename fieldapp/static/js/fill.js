// Put stored fields back into a form: a draft, an entry of the outbox that is to be corrected, an edit not sent yet.

import { LATER, OWN, said } from "./drafts.js";
import { markOf, when } from "./ids.js";
import { bodyOf, idOf, list } from "./outbox/queue.js";
import { add, boxOf } from "./rows.js";

const OPEN = new Set(["queued", "error", "conflict", "locked"]);

/** Make the form say `fields`. What it says of things that `fields` know nothing about stays, ticks apart. */
export function fill(form, fields) {
  const told = new Map();
  for (const [name, value] of fields) if (typeof value === "string" && !OWN.has(name) && (value || !/^(version|base)$/.test(name))) told.set(name, [...(told.get(name) || []), value]);
  for (const name of told.keys()) {
    const [, kind, n] = /^(\w+)-(\d+)-/.exec(name) || [];
    const box = kind && !form.elements[name] && boxOf(form, kind);
    if (box) add(box, Number(n));
  }
  const changed = [];
  for (const field of form.elements) {
    const { name, type } = field;
    if (!name || OWN.has(name) || /^(submit|button|file|password|fieldset)$/.test(type)) continue;
    const values = told.get(name);
    if (type === "checkbox" || type === "radio") {
      const ticked = Boolean(values?.includes(field.value));
      if (field.checked === ticked) continue;
      field.checked = ticked;
    } else {
      const before = field.value;
      if (!values?.length) continue;
      field.value = values.shift();
      if (type === "select-one" && field.selectedIndex < 0) field.value = before; // no such choice any more
      if (field.value === before) continue;
    }
    changed.push(field);
    const folded = field.closest("details");
    if (folded && type !== "hidden") folded.open = true;
  }
  // The page's own hands see it as if it had been typed.
  for (const field of changed) for (const event of ["input", "change"]) field.dispatchEvent(new Event(event, { bubbles: true }));
}

const path = (url) => { const { pathname, search } = new URL(url, location.href); return pathname + search; };
const leadsTo = (form, url) => path(form.getAttribute("action")) === path(url) || [...form.elements].some((button) => button.hasAttribute("formaction") && path(button.formAction) === path(url));

const opened = (all, form, fits) => all.filter((one) => one.url && leadsTo(form, one.url) && fits(one)).pop();

// Photos are entries of their own: what has not left the phone stands in the tiles again and keeps its entry; what has
// is told, and not sent again.
async function photosBack(form, all, { keys }, ids) {
  const box = form.querySelector("#photos-kept");
  if (!box) return;
  (await import("./photos.js")).default(box);
  const held = []; // each known before it has its tile: whatever breaks off, none counts as new
  box.querySelector("input[name=photos]").photos = held;
  const left = { arrived: 0, going: 0 };
  for (const one of all) {
    const { key, state, maybe, photo } = one;
    if (!photo || one.locked || !keys.includes(photo.visit)) continue;
    const id = idOf(one);
    if (state === "done") left.arrived += 1;
    else if (state === "queued" && maybe) left.going += 1;
    else {
      const [, file] = (await bodyOf(key))?.find(([name]) => name === "photos") || [];
      if (!file) continue;
      const copy = new File([file.data], file.name, file);
      held.push({ mark: markOf(copy), id, key, held: true, other: !ids.includes(id) });
      if (!box.put?.(copy)) held.pop();
    }
  }
  for (const [name, n] of Object.entries(left)) if (n) box.after(said(`photos-${name}`, { n }));
}

/** Where the address names an entry of this form, it comes back to be corrected: its submit replaces it. Its key,
 *  or false. */
export async function reopened(form, user, key) {
  const all = await list(user);
  const entry = opened(all, form, (one) => one.key === key && OPEN.has(one.state));
  const fields = entry && (await bodyOf(key));
  // The check-in arrived meanwhile, and the way to a new visit leads to it: this one is corrected where it was written.
  const { also } = form.dataset;
  if (also && all.some((one) => one.key === key && one.url && path(one.url) === also)) location.replace(`${also}?again=1${location.hash}`);
  if (!fields) return false;
  // Of a conflict both texts have been looked at: what is said now is said of the newest.
  fill(form, fields.filter(([name]) => name !== "version" || entry.state !== "conflict"));
  form.dataset.entry = key;
  if (entry.maybe) form.dataset.maybe = "1";
  else form.elements.entry_id.value = key;
  form.before(said("form-reopened", { time: when(entry.at) }));
  await photosBack(form, all, entry, String(fields.find(([name]) => name === LATER)?.[1]));
  return key;
}

/** An edit of this very record that waits: the newest stands in the form, and a line says so. */
export async function overlaid(form, user, untouched) {
  const entry = opened(await list(user), form, (one) => one.state === "queued" && !one.photo);
  const fields = entry && (await bodyOf(entry.key));
  if (!fields || !untouched()) return false;
  fill(form, fields.filter(([name]) => name !== LATER && !form.querySelector(`[data-new-id][name="${CSS.escape(name)}"]`)));
  form.before(said("form-overlaid", { time: when(entry.at) }));
  return true;
}
