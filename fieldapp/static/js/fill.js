// Put stored fields back into a form: a draft, an entry of the outbox that is to be corrected, an edit not sent yet.

import { add, boxOf } from "./rows.js";

// What is the page's and never what somebody said.
const OWN = new Set(["csrf_token", "page", "entry_id", "version", "base", "device_at"]);
const LATER = "photo_ids"; // photos on their way: the business of the entry that they belong to
const OPEN = new Set(["queued", "error", "conflict", "locked"]);

/** What the form says, as [name, value] pairs; files apart. */
export const read = (form) => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== LATER && !OWN.has(name));

/** The words of a template, with their {values}; the element, not yet in the page. */
export function said(id, values = {}) {
  const element = document.getElementById(id).content.firstElementChild.cloneNode(true);
  for (const part of [element, ...element.querySelectorAll("[data-words]")]) {
    if (part.matches("[data-words]")) part.textContent = part.textContent.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
  }
  return element;
}

/** 11:32, or 11月23日 11:32 of another day, in the page's language. */
export function when(at, now = new Date()) {
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const day = new Date(at).toDateString() === now.toDateString() ? {} : { month: "short", day: "numeric" };
  return new Intl.DateTimeFormat(document.documentElement.lang, { ...day, ...time }).format(at);
}

/** Make the form say `fields`. What it says of things that `fields` know nothing about stays, ticks apart. */
export function fill(form, fields) {
  const told = new Map();
  for (const [name, value] of fields) if (typeof value === "string" && !OWN.has(name)) told.set(name, [...(told.get(name) || []), value]);
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

const queue = () => import("./outbox/queue.js").catch(() => null);
const path = (url) => { const { pathname, search } = new URL(url, location.href); return pathname + search; };
const leadsTo = (form, url) => path(form.getAttribute("action")) === path(url) || [...form.elements].some((button) => button.hasAttribute("formaction") && path(button.formAction) === path(url));

/** Where the address names an entry of this form, it comes back to be corrected: its submit replaces it. */
export async function reopened(form, user) {
  const key = /^#entry=([\w-]{36})$/.exec(location.hash)?.[1];
  const box = key && (await queue());
  const entry = box && (await box.list(user)).find((one) => one.key === key);
  if (!entry?.url || !OPEN.has(entry.state) || !leadsTo(form, entry.url)) return false;
  const fields = await box.bodyOf(key);
  if (!fields) return false;
  fill(form, fields);
  form.dataset.entry = key;
  if (entry.maybe) form.dataset.maybe = "1";
  else form.elements.entry_id.value = key;
  const waiting = String(fields.find(([name]) => name === LATER)?.[1] || "").split(",").filter(Boolean).length;
  form.before(said(waiting ? "form-reopened-photos" : "form-reopened", { time: when(entry.at), n: waiting }));
  return true;
}

/** An edit of this very record that waits: the newest stands in the form, and a line says so. */
export async function overlaid(form, user) {
  const box = form.elements.version && (await queue());
  const entry = box && (await box.list(user)).filter((one) => one.url && !one.photo && one.state !== "done" && leadsTo(form, one.url)).pop();
  const fields = entry && (await box.bodyOf(entry.key));
  if (!fields) return false;
  fill(form, fields.filter(([name]) => name !== LATER && !form.querySelector(`[data-new-id][name="${CSS.escape(name)}"]`)));
  form.before(said("form-overlaid", { time: when(entry.at) }));
  return true;
}
