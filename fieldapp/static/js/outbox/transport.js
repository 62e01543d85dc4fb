// How forms leave the page. The outbox is htmx's transport: what is to be sent is written down first and then sent from
// there; an answer within three seconds goes to htmx as if nothing had happened, otherwise the form makes way for the
// words "kept on this phone". What cannot be written down is sent all the same and leaves the form as typed.

import { markOf, sleep, typed, uuid7 } from "../ids.js";
import { announce, counts, dropped, putAll, remove, retry, Spent, watchChanges } from "./queue.js";
import { knowsKey } from "./seal.js";
import { drain, introduce, isQuiet, mayGo, post, send, session, triggers } from "./send.js";

const PATIENCE = 3000;
const SHORT = 1000; // where nothing got through a moment ago
const HELD = 4000; // drains leave the entry to this page for so long
const UUID = /[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi;

const { user, cached } = document.documentElement.dataset;

// ---- what is sent, without network ---------------------------------------------------------------------------

/** Ids of records that an address or form touches; without any, the address itself. */
export function touched(url, made) {
  const ids = [...new Set([...(url.match(UUID) || []).map((id) => id.toLowerCase()), ...made])];
  return ids.length ? ids : [url.split("?")[0]];
}

const newIds = (form) => [...form.querySelectorAll("[data-new-id]")].filter((field) => !field.disabled && field.name !== "entry_id" && field.value);
// Nothing that is sent back and can be seen there is kept apart, unless somebody has said something in it.
const isTyped = (form) => [...form.elements].some((field) => typed(field) || (/^(text|tel|number|date)/.test(field.type) && field.value));
const keyOf = (form) => form.elements.entry_id?.value || uuid7();

// What was opened for correction and may have left the phone is not changed: the new entry stands for it.
function describe(form, action, key, revises = form.dataset.maybe ? [form.dataset.entry] : []) {
  const address = new URL(action || "", location);
  const made = newIds(form).map((field) => field.value.toLowerCase());
  const url = address.pathname + address.search;
  return {
    key, user, url, made, revises, keys: touched(url, made), title: form.dataset.outbox, kind: form.dataset.kind || "",
    page: location.pathname + location.search, at: Date.now(), next: Date.now() + HELD,
  };
}

// Photos go by themselves, after the record they belong to: text arrives first, a broken upload costs one photo.
// A photo sent once under an id keeps it while it stands in the form; one that waits in the queue already keeps its
// entry too, and goes by itself also where the form has to go whole.
function split(form, entry, fields) {
  const field = form.elements.photo_ids;
  const files = fields.filter(([name, value]) => name === "photos" && value.size).map(([, value]) => value);
  const visit = form.elements.visit_id?.value || entry.url.match(UUID)?.[0];
  const bare = fields.filter(([name, value]) => name !== "photo_ids" && (typeof value === "string" || value.size));
  if (!field || !visit) return { fields: bare, photos: [], gone: [] };
  const { whole } = form.dataset;
  const known = (boxOf(form).photos ||= []);
  const now = files.map((file) => {
    const mark = markOf(file);
    let photo = known.find((one) => one.mark === mark);
    if (!photo) {
      const id = uuid7();
      known.push(photo = { mark, id, key: id });
    }
    return { photo, file };
  });
  const apart = now.filter(({ photo }) => photo.held || !whole);
  const kept = field.value.split(",").filter((id) => id && !known.some((one) => one.id === id));
  const own = apart.filter(({ photo }) => !photo.other);
  const ids = [...kept, ...own.map(({ photo }) => photo.id)];
  field.value = ids.join(",");
  entry.made.push(...ids);
  const more = { user, title: entry.title, at: entry.at };
  const photos = own.map(({ photo: { id, key }, file }) => [{
    ...more, key, url: `/visits/${visit}/photos`, keys: [visit, id], kind: "camera", page: entry.page,
    photo: { visit, n: ids.indexOf(id) + 1, of: ids.length },
  }, [["photo_id", id], ["photos", file]]]);
  const gone = known.filter((one) => !now.some(({ photo }) => photo === one));
  // What announced it may have arrived, and would be waiting for it.
  for (const { id, held, other } of gone) if (held && (other || entry.revises.length)) photos.push(dropped({ ...more, words: form.dataset.dropped, visit, id }));
  return {
    fields: [...bare.filter(([name, value]) => name !== "photos" || (whole && !apart.some(({ file }) => file === value))), ...(ids.length || !whole ? [["photo_ids", field.value]] : [])],
    photos, gone,
  };
}

// ---- writing down --------------------------------------------------------------------------------------------

// Every photo that has had an id in this form, over several attempts, stands at its box: {mark, id, key, held, other}.
// `held`: waits in the queue already, put back by fill.js; `other`: announced by another entry than this form's.
const boxOf = (form) => form.querySelector("input[name=photos]") || {};

function forgetPhotos(form) {
  boxOf(form).photos = null;
  if (form.elements.photo_ids) form.elements.photo_ids.value = "";
}

function renewed(form, fields, names) {
  const values = new Map(names.map((name) => [name, uuid7()]));
  for (const [name, value] of values) if (form.elements[name]) form.elements[name].value = value;
  forgetPhotos(form);
  return fields.map(([name, value]) => [name, values.get(name) ?? value]);
}

/** The entry of this form, written down with its photos. A form whose key is used up goes under new ids: as another
 *  entry, or as a correction of the one that may have left the phone already. */
async function keep(form, action, fields) {
  if (!(await knowsKey(user))) await Promise.race([session(), sleep(SHORT)]); // just signed in: sealed if at all possible
  let revises;
  for (let tries = 0; ; tries += 1) {
    const entry = describe(form, action, keyOf(form), revises);
    const { fields: own, photos, gone } = split(form, entry, fields);
    try {
      await putAll([[entry, own], ...photos], true, gone.map(({ key }) => key));
      boxOf(form).photos = boxOf(form).photos?.filter((one) => !gone.includes(one));
      return entry;
    } catch (error) {
      if (!(error instanceof Spent) || tries > 3) throw error;
      const { key, state, revises: before = [] } = error.entry;
      if (form.dataset.entry || state !== "done") revises = [key, ...before];
      else fields = renewed(form, fields, newIds(form).map((field) => field.name));
      if (form.elements.entry_id) form.elements.entry_id.value = uuid7();
    }
  }
}

// ---- answering htmx ------------------------------------------------------------------------------------------

const answer = ({ status, headers, text }) => new Response(status === 204 || status === 304 ? null : text, { status, headers });

function freed(form) {
  for (const field of form.querySelectorAll("[data-new-id], [data-device-time]")) field.value = "";
  forgetPhotos(form);
  delete form.dataset.entry;
  delete form.dataset.maybe;
  delete form.dataset.whole;
  form.dataset.over = 1;
}

/** "Kept on this phone": where the form stands, or in the page's main part for a form that changes whole pages. */
function queued(ctx, form, entry) {
  const words = (document.querySelector(form.dataset.queued) || document.getElementById("outbox-queued")).content.firstElementChild.cloneNode(true);
  words.dataset.key = entry.key;
  for (const place of [words, ...words.querySelectorAll("[data-fill=title]")]) if (place.dataset.fill === "title") place.textContent = entry.title;
  if (ctx.target === document.body) Object.assign(ctx, { target: document.getElementById("main"), swap: "innerHTML show:top" });
  else if (ctx.target !== form) Object.assign(ctx, { target: form, swap: "outerHTML" });
  return new Response(words.outerHTML, { status: 202, headers: { "Content-Type": "text/html" } });
}

// The outcome of this entry, whoever sends it: this page at once, or a drain when its turn has come.
async function outcomeOf(key, headers) {
  let forget;
  const elsewhere = new Promise((resolve) => {
    forget = watchChanges((news) => { if (news.kind === "sent" && news.key === key) resolve({ location: news.location }); });
  });
  try {
    const own = (await mayGo(key)) ? await send(key, headers) : void retry(key).then(() => drain("put"));
    return own || await Promise.race([elsewhere, sleep(PATIENCE)]);
  } finally {
    forget();
  }
}

async function deliver(ctx, form, fields) {
  const { action, headers } = ctx.request;
  let entry;
  try {
    entry = await keep(form, action, fields);
  } catch (error) {
    // On a disk that is full to the brim Chromium does not even open the database: UnknownError.
    announce({ kind: /Quota|Unknown/.test(error.name) ? "full" : "nodb" }, false);
    return direct(form, action, fields, headers);
  }
  announce({ kind: "safe" }, false);
  const outcome = await Promise.race([outcomeOf(entry.key, headers), sleep(isQuiet() ? SHORT : PATIENCE)]);
  const { state } = outcome?.verdict || {};
  if (outcome?.reply && state) {
    if (state !== "done" && !isTyped(form)) await remove(entry.key);
    if (state === "done") freed(form);
    // The next page sends the rest: what this one began now would be cut off.
    if (!outcome.reply.headers.get("HX-Redirect")) drain("put");
    return answer(outcome.reply);
  }
  freed(form);
  if (outcome?.location) return new Response(null, { status: 204, headers: { "HX-Redirect": outcome.location } });
  drain("put");
  return queued(ctx, form, entry);
}

// Nothing can be written down here: it goes out as it stands, photos and all, under its key. The form stays as typed.
async function direct(form, action, fields, headers) {
  if (form.elements.entry_id) form.elements.entry_id.value ||= uuid7();
  const entry = { ...describe(form, action, keyOf(form)), method: "POST" };
  entry.bytes = fields.reduce((sum, [, value]) => sum + (value.size || value.length || 0), 0);
  form.dataset.whole = "1"; // it may have arrived: tried again it says the same, or its photos would be there twice
  const { verdict, reply } = await post(entry, split(form, entry, fields).fields.filter(([name]) => name !== "csrf_token"), headers);
  if (["auth", "ended", "user"].includes(verdict.wait)) announce(verdict.wait === "ended" ? { kind: "ended" } : { kind: "signin", code: verdict.wait }, false);
  if (!reply || (verdict.wait && verdict.wait !== "server" && verdict.wait !== "busy")) throw new TypeError("Not sent");
  if (verdict.state === "done") { freed(form); announce({ kind: "safe" }, false); }
  return answer(reply);
}

window.htmx?.registerExtension("outbox", {
  htmx_config_request(_element, { ctx }) {
    const { form, method, body } = ctx.request;
    if (method !== "POST" || !form || !("outbox" in form.dataset)) return;
    const fields = [...body];
    ctx.request.timeout = 0; // answers in time by itself
    ctx.fetch = () => deliver(ctx, form, fields);
  },
});

// ---- telling the page ----------------------------------------------------------------------------------------

let counting = 0;
watchChanges((news) => {
  const tell = (more) => document.dispatchEvent(new CustomEvent(`outbox:${news.kind}`, { detail: { ...news, ...more } }));
  if (news.kind !== "changed") { tell(); return; }
  clearTimeout(counting);
  counting = setTimeout(() => counts(user).then(tell, () => {}), 50);
});

introduce({
  user, csrf: document.querySelector("input[name=csrf_token]")?.value,
  sure: cached ? 0 : performance.timeOrigin,
});
triggers();
