// On 今日: since when the phone has it all.

import { remembered } from "../outbox/db.js";

export default async (row) => {
  const { dataset: { user }, lang } = document.documentElement;
  const { at } = (await remembered(`pack:${user}`).catch(() => null)) || {};
  if (!at) return;
  const today = new Date(at).toDateString() === new Date().toDateString();
  const how = today ? { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } : { month: "long", day: "numeric" };
  if (today) row.querySelector("a").textContent = row.dataset.packed;
  row.querySelector(".meta span").textContent = row.dataset.when.replace("{at}", new Intl.DateTimeFormat(lang, how).format(at));
};
