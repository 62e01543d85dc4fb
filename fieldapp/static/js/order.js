// The order form at an enterprise's door: what is typed and chosen lies on this phone until the order has arrived, and
// a dead line costs nothing. The form's ticket lies there too, so the same form is one order after any reload.
import { attach } from "./app.js";
import { draftOf, dropDraft, keepDraft } from "./outbox/store.js";

const NOBODY = "door"; // no account: kept as it stands, for a week
const WEEK = 7 * 24 * 3_600_000;
const PAUSE = 400;

const plain = (form) => [...form.elements].filter((field) => field.name && field.type !== "file" && !["csrf_token", "home_page"].includes(field.name));

async function gathered(form) {
  const fields = plain(form)
    .filter((field) => !["checkbox", "radio"].includes(field.type) || field.checked)
    .map((field) => [field.name, field.value]);
  const files = [];
  for (const file of form.querySelector("input[name=photos]")?.files ?? []) {
    try {
      files.push({ name: file.name, type: file.type, lastModified: file.lastModified, data: await file.arrayBuffer() });
    } catch { /* moved since: it will be chosen again */ }
  }
  return { fields, files };
}

function putBack(form, { fields, files }) {
  for (const field of plain(form)) {
    const said = fields.filter(([name]) => name === field.name).map(([, value]) => value);
    if (["checkbox", "radio"].includes(field.type)) field.checked = said.includes(field.value);
    else if (said.length) [field.value] = said;
  }
  for (const more of form.querySelectorAll("details")) {
    if (plain(form).some((field) => more.contains(field) && (field.type === "radio" ? field.checked : field.tagName !== "SELECT" && field.value))) more.open = true;
  }
  const input = form.querySelector("input[name=photos]");
  if (!input || !files.length) return;
  try {
    const transfer = new DataTransfer();
    for (const { data, name, ...rest } of files) transfer.items.add(new File([data], name, rest));
    // The picker of photos.js takes them in as if they had been chosen just now.
    const picker = form.querySelector("[data-add] input[multiple]") ?? input;
    picker.files = transfer.files;
    picker.dispatchEvent(new Event("change", { bubbles: true }));
  } catch { /* an old browser: the photos are chosen again */ }
}

export default async (form) => {
  const id = `${location.pathname}|${form.id}`;
  const [unsent, found] = [form.querySelector("[data-unsent]"), form.querySelector("[data-found]")];
  const refused = Boolean(document.querySelector("main .errsum, main .note[role=alert]:not([hidden])"));
  let [pause, sending, over] = [0, false, false];

  const keep = async () => {
    clearTimeout(pause);
    if (over) return;
    try { await keepDraft(NOBODY, id, await gathered(form)); } catch { /* a private window: the page itself still holds it */ }
  };
  const later = () => { clearTimeout(pause); pause = setTimeout(keep, PAUSE); };

  try {
    const draft = refused ? null : await draftOf(NOBODY, id);
    if (draft && Date.now() - draft.at < WEEK) {
      putBack(form, draft.value);
      found.hidden = false;
    } else if (draft) await dropDraft(NOBODY, id);
  } catch { /* no store here: nothing to find */ }

  form.addEventListener("input", later);
  form.addEventListener("change", later);
  window.addEventListener("pagehide", keep);
  document.addEventListener("visibilitychange", () => { if (document.hidden) keep(); });
  form.querySelector("[data-clear]").addEventListener("click", async () => {
    over = true;
    clearTimeout(pause);
    await dropDraft(NOBODY, id).catch(() => {});
    location.reload();
  });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    const button = form.querySelector("button[type=submit]");
    button.setAttribute("aria-disabled", "true");
    button.classList.add("is-busy");
    unsent.hidden = true;
    await keep();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), cache: "no-store" });
      const ours = answer.headers.get("Order-Receipt"); // "yes": the receipt's page, where a taken order leads
      if (ours === "yes") {
        over = true;
        await dropDraft(NOBODY, id).catch(() => {});
        location.assign(answer.url);
        return;
      }
      // Whatever else it is, our own pages hold this form or say what to do; a foreign page (a hotel's) is no answer.
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const main = page.querySelector("main#main");
      if (!main || !ours) throw new Error("not our answer");
      over = true; // this form is gone; its successor keeps for itself
      document.querySelector("main#main").replaceWith(document.adoptNode(main));
      attach(document);
      window.scrollTo(0, 0);
    } catch {
      unsent.hidden = false;
      unsent.scrollIntoView({ block: "center" });
      sending = false;
      button.removeAttribute("aria-disabled");
      button.classList.remove("is-busy");
    }
  });
};
