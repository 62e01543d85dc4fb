// The order form at an enterprise's door: what is typed and chosen lies on this phone until the order has arrived, and
// a dead line costs nothing. The form's ticket lies there too, so the same form is one order after any reload.
import { attach } from "./app.js";
import { typed } from "./ids.js";
import { draftOf, dropDraft, keepDraft } from "./outbox/seal.js";
import { add, boxOf } from "./rows.js";

const NOBODY = "door"; // no account: kept as it stands, for a week
const WEEK = 7 * 24 * 3_600_000;
const PAUSE = 400;

const plain = (form) => [...form.elements].filter((field) => field.name && field.type !== "file" && !["csrf_token", "home_page", "privacy"].includes(field.name));
const inputs = (form) => [...form.querySelectorAll("input[type=file][name]")];

const said = (form) => plain(form)
  .filter((field) => !["checkbox", "radio"].includes(field.type) || field.checked)
  .filter((field) => field.type !== "submit")
  .map((field) => [field.name, field.value]);

async function chosen(form) {
  const files = [];
  for (const input of inputs(form)) {
    for (const file of input.files) {
      try {
        files.push({ input: input.name, name: file.name, type: file.type, lastModified: file.lastModified, data: await file.arrayBuffer() });
      } catch { /* moved since: it will be chosen again */ }
    }
  }
  return files;
}

// Names of what somebody has filled in by now: on a slow line the form is there long before this script.
const begun = (form) => new Set(plain(form).filter(typed).map(({ name }) => name));

function putBack(form, fields) {
  const theirs = begun(form);
  for (const [name] of fields) {
    const row = /^(\w+)-(\d+)-/.exec(name);
    if (row && !form.elements[name]) add(boxOf(form, row[1]), Number(row[2]));
  }
  for (const field of plain(form).filter(({ name }) => !theirs.has(name))) {
    const words = fields.filter(([name]) => name === field.name).map(([, value]) => value);
    if (["checkbox", "radio"].includes(field.type)) field.checked = words.includes(field.value);
    else if (words.length && field.type !== "submit") [field.value] = words;
  }
  for (const more of form.querySelectorAll("details")) {
    if (plain(form).some((field) => more.contains(field) && (field.type === "radio" ? field.checked : !["SELECT", "BUTTON"].includes(field.tagName) && field.value))) more.open = true;
  }
}

function putFilesBack(form, files) {
  for (const input of inputs(form)) {
    try {
      const transfer = new DataTransfer();
      for (const { data, name, input: at, ...rest } of files) if (at === input.name) transfer.items.add(new File([data], name, rest));
      if (!transfer.files.length || input.files.length) continue; // or something was chosen just now
      // The picker of photos.js takes them in as if they had been chosen just now.
      const picker = input.name === "photos" ? form.querySelector("[data-add] input[multiple]") ?? input : input;
      picker.files = transfer.files;
      picker.dispatchEvent(new Event("change", { bubbles: true }));
    } catch { /* an old browser: they are chosen again */ }
  }
}

export default async (form) => {
  const id = `${form.dataset.door || location.pathname}|${form.id}`; // a new code on the wall is the same door
  const [ID, FILES] = [id, `${id}|files`];
  const [unsent, busy, found] = ["unsent", "busy", "found"].map((name) => form.querySelector(`[data-${name}]`));
  const refused = Boolean(document.querySelector("main .errsum, main .note[role=alert]:not([hidden])"));
  let [pause, sending, over, changed, touched] = [0, false, false, false, begun(form).size > 0];
  let [reading, putting] = [true, false]; // what lay here: until it is in, nothing takes its place

  const forget = () => Promise.all([dropDraft(NOBODY, ID), dropDraft(NOBODY, FILES)]).catch(() => {});
  const keep = async () => {
    clearTimeout(pause);
    pause = 0;
    if (over || !touched || reading) return;
    try {
      await keepDraft(NOBODY, ID, { fields: said(form) });
      if (changed) {
        changed = false; // files are heavy: laid down when they change, not with every word
        await keepDraft(NOBODY, FILES, await chosen(form));
      }
    } catch { /* a private window: the page itself still holds it */ }
  };
  const later = (event) => {
    if (putting) return;
    touched = true;
    if (event.target.type === "file") changed = true;
    pause ||= setTimeout(keep, PAUSE); // while it is typed, not after
  };

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  try {
    const draft = await draftOf(NOBODY, ID);
    if (draft && Date.now() - draft.at >= WEEK) await forget();
    else if (draft) {
      if (!refused) {
        putBack(form, draft.value.fields);
        found.hidden = false;
        form.closest("details")?.setAttribute("open", "");
      }
      // What was chosen does not come back from the server, so not after a refusal either.
      const files = (await draftOf(NOBODY, FILES))?.value ?? [];
      putting = true;
      putFilesBack(form, files);
    }
  } catch { /* no store here: nothing to find */ }
  [reading, putting] = [false, false];

  keep();
  window.addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(); });
  form.querySelector("[data-clear]").addEventListener("click", async () => {
    over = true;
    clearTimeout(pause);
    await forget();
    location.reload();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = touched = true;
    const button = form.querySelector("button[type=submit]:not([name])");
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-busy");
    unsent.hidden = busy.hidden = true;
    await keep();
    let words = unsent;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), cache: "no-store" });
      const ours = answer.headers.get("Order-Receipt"); // "yes": the receipt's page, where a taken order leads
      if (ours === "yes") {
        over = true;
        await forget();
        location.replace(answer.url); // the way back leads to the card, not to this form
        return;
      }
      if (ours && (answer.status >= 500 || answer.status === 413)) words = busy;
      // Whatever else it is, our own pages hold this form or say what to do; a foreign page (a hotel's) is no answer.
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.querySelector("main#main");
      if (!main || !ours || words === busy) throw new Error("not taken");
      over = true; // this form is gone; its successor keeps for itself
      document.querySelector("main#main").replaceWith(document.adoptNode(main));
      attach(document);
      window.scrollTo(0, 0);
    } catch {
      words.hidden = false;
      words.scrollIntoView({ block: "center" });
      sending = false;
      button.removeAttribute("aria-disabled");
      button.classList.remove("is-busy");
    }
  });
};
