// What the pack tells of its enterprises: [id, name, token, number, words, pinyin] each, sealed; and the forms that ask it.

import { remembered } from "../outbox/db.js";
import { unseal } from "../outbox/seal.js";

/** All of them, or none when there is no pack or it is locked. */
export async function codesOf(user) {
  try {
    return await unseal(user, await remembered(`codes:${user}`));
  } catch {
    return [];
  }
}

const plain = (text) => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");
const termsOf = (query) => query.normalize("NFKC").split(/\s+/).map(plain).filter(Boolean);

/** Whether every term is found in the words, or as pinyin or initials beginning at a syllable. */
function matches([, name, , number, words, spoken], terms) {
  const texts = [name, ...words.split(" "), number].map(plain);
  const said = spoken.split("|").map((one) => one.split(" "));
  const begins = (term) => said.some((syllables) =>
    syllables.map((one) => one[0]).join("").includes(term)
    || syllables.some((_one, at) => syllables.slice(at).join("").startsWith(term)));
  return terms.every((term) => texts.some((text) => text.includes(term)) || begins(term));
}

// ---- page ----------------------------------------------------------------------------------------------------

// A list kept on the phone answers its search box by itself: by name, former name, region, contact, pinyin, initials.
async function search(form) {
  const { user, cached } = document.documentElement.dataset;
  const rows = [...document.querySelectorAll("#rows > li")];
  if (!cached || !rows.length) return;
  const codes = new Map((await codesOf(user)).map((one) => [String(one[0]), one]));
  const idOf = (row) => /\/enterprises\/(\d+)/.exec(row.querySelector("a").getAttribute("href"))?.[1];
  const heading = document.getElementById("found");
  const field = form.elements.q;
  const show = () => {
    const terms = termsOf(field.value);
    let count = 0;
    for (const row of rows) {
      const code = codes.get(idOf(row)) || [0, row.textContent, "", "", "", ""];
      row.hidden = !matches(code, terms);
      count += row.hidden ? 0 : 1;
    }
    heading.textContent = form.dataset.sayFound.replace("{n}", count);
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); event.stopImmediatePropagation(); show(); field.blur(); }, true);
  field.addEventListener("input", show);
  field.value = new URLSearchParams(location.search).get("q") || "";
  show();
}

// The number under the code, typed without a network: looked up among the enterprises of the pack.
function typed(form) {
  form.addEventListener("submit", (event) => {
    const { user, cached } = document.documentElement.dataset;
    if (navigator.onLine && !cached) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const field = form.elements.code;
    const number = field.value.replace(/\D/g, "");
    codesOf(user).then((codes) => {
      const found = number && codes.find((one) => one[3] === number);
      if (found) { location.assign(`/enterprises/${found[0]}`); return; }
      const line = form.querySelector("[data-not-here]");
      line.hidden = false;
      field.focus();
    });
  }, true);
}

export default (form) => (form.elements.code ? typed : search)(form);
