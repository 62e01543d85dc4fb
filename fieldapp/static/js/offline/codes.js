// What the pack tells of its enterprises: [id, name, token, number, words, pinyin] each, sealed.

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
export const termsOf = (query) => query.normalize("NFKC").split(/\s+/).map(plain).filter(Boolean);

/** Whether every term is found in the words, or as pinyin or initials beginning at a syllable. */
export function matches([, name, , number, words, spoken], terms) {
  const texts = [name, ...words.split(" "), number].map(plain);
  const said = spoken.split("|").map((one) => one.split(" "));
  const begins = (term) => said.some((syllables) =>
    syllables.map((one) => one[0]).join("").includes(term)
    || syllables.some((_one, at) => syllables.slice(at).join("").startsWith(term)));
  return terms.every((term) => texts.some((text) => text.includes(term)) || begins(term));
}
