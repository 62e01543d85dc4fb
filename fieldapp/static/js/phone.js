// 我的, "this phone": how to install the app here, and whether the browser promises to keep what it stores.

const MB = 1_048_576;

/** Which of the ways fits, told by what the browser says of itself. */
export function placeOf(agent, standalone, touch) {
  if (standalone) return "installed";
  if (/MicroMessenger|DingTalk|wxwork|Lark/i.test(agent)) return "inside";
  if (/iPhone|iPad|iPod/.test(agent) || (/Macintosh/.test(agent) && touch)) return "iphone";
  return /Android|HarmonyOS/.test(agent) ? "android" : "";
}

const section = document.querySelector("[data-phone]");
const find = (selector) => section.querySelector(selector);
let offered = null;

function show(place) {
  for (const way of section.querySelectorAll("[data-place]")) way.hidden = way.dataset.place !== place;
}

async function storage() {
  const { storage: store } = navigator;
  if (!store?.estimate) return;
  const [{ usage }, kept] = await Promise.all([store.estimate(), store.persisted?.()]);
  const used = find("[data-used]");
  const unit = usage < MB ? "kilobyte" : "megabyte";
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: 1 });
  used.textContent = used.dataset.sayUsed.replace("{used}", format.format(usage / (unit === "megabyte" ? MB : 1024)));
  for (const tag of section.querySelectorAll("[data-guarded]")) tag.hidden = kept === undefined || (tag.dataset.guarded === "yes") !== kept;
  find("[data-guard]").hidden = kept !== false;
  find("[data-storage]").hidden = false;
}

addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault(); // the browser's own bar would cover the tab bar; the offer waits here for a tap
  offered = event;
  show("prompt");
});
addEventListener("appinstalled", () => show("installed"));

if (section) {
  const standalone = navigator.standalone || matchMedia("(display-mode: standalone)").matches;
  section.hidden = false;
  show(placeOf(navigator.userAgent, standalone, navigator.maxTouchPoints > 1));
  find("[data-install]").addEventListener("click", async () => {
    offered.prompt();
    if ((await offered.userChoice).outcome === "accepted") show("installed");
  });
  find("[data-guard]").addEventListener("click", async () => {
    find("[data-unguarded]").hidden = await navigator.storage.persist();
    await storage();
  });
  storage().catch(() => {});
}
