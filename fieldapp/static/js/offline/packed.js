// On 今日: since when the phone has it all.

import { isToday, when } from "../ids.js";
import { remembered } from "../outbox/db.js";

export default async (row) => {
  const { user } = document.documentElement.dataset;
  const { at } = (await remembered(`pack:${user}`).catch(() => null)) || {};
  if (!at) return;
  if (isToday(at)) row.querySelector("a").textContent = row.dataset.packed;
  row.querySelector(".meta span").textContent = row.dataset.when.replace("{at}", when(at));
};
