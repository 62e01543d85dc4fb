// Photos of a form: tiles, previews, and smaller files. Without this file the plain file input does the same, slower.
//
// The chosen files always stand in the one input named `photos`, in the order of the tiles: what is shown is what is
// sent, whoever sends it. A photo is put there as it came and replaced by its small copy once that is made.
// The box is kept as it stands when htmx swaps the form around it, so nothing here may hold on to that form.
//   data-most   how many photos      data-side   pixels of the longer side      data-most-bytes   of one file
//   data-say-…  the sentences, already in the reader's language, with {n}, {name}, {most}

import { filled, markOf, sleep } from "./ids.js";

const QUALITY = 0.85;
const PATIENCE = 15_000; // a submit waits so long for photos that are still being made smaller

// ---- decisions, without page ---------------------------------------------------------------------------------

/** Whether a file begins as a photo does (JPEG, PNG, GIF, WebP, HEIC); its name and type may say anything. */
export function beginsAsPhoto(head) {
  const text = String.fromCharCode(...head.slice(0, 12));
  return (
    text.startsWith("\xff\xd8\xff") || text.startsWith("\x89PNG") || text.startsWith("GIF8") ||
    (text.startsWith("RIFF") && text.slice(8) === "WEBP") ||
    (text.slice(4, 8) === "ftyp" && /^(hei|hev|mif|msf)/.test(text.slice(8)))
  );
}

/** Width and height with the longer side at most `side`; nothing is made larger. */
export function fitted(width, height, side) {
  const scale = Math.min(1, side / Math.max(width, height));
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

/** What the small copy of a file is called. */
export const jpegName = (name) => `${name.replace(/\.[^.]{1,5}$/, "") || "photo"}.jpg`;

// ---- pictures ------------------------------------------------------------------------------------------------

function canMoveFiles() {
  try {
    return Boolean(new DataTransfer().items);
  } catch {
    return false; // an old WebView: the plain input stays
  }
}

async function viaElement(file) {
  const image = new Image();
  const address = URL.createObjectURL(file);
  try {
    image.src = address;
    await image.decode();
    return image;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** The file's picture, upright. Rejects for what this browser cannot decode. */
async function decoded(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return viaElement(file); // knows HEIC where the system does, and the browsers without that option
  }
}

export async function smaller(file, side) {
  const picture = await decoded(file);
  try {
    const [width, height] = fitted(picture.naturalWidth || picture.width, picture.naturalHeight || picture.height, side);
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const paper = canvas.getContext("2d");
    paper.imageSmoothingQuality = "high";
    paper.fillStyle = "#fff"; // what is transparent would turn black
    paper.fillRect(0, 0, width, height);
    paper.drawImage(picture, 0, 0, width, height);
    const blob = await new Promise((resolve) => { canvas.toBlob(resolve, "image/jpeg", QUALITY); });
    canvas.width = canvas.height = 0; // gives the memory back at once
    if (!blob) throw new Error("no copy");
    return new File([blob], jpegName(file.name), { type: "image/jpeg", lastModified: file.lastModified });
  } finally {
    picture.close?.();
  }
}

function preview(photo, file) {
  const image = photo.tile.querySelector("img") || new Image();
  const address = URL.createObjectURL(file);
  const over = () => URL.revokeObjectURL(address); // what is painted stays painted
  image.addEventListener("load", over, { once: true });
  image.addEventListener("error", () => { over(); image.remove(); }, { once: true });
  image.src = address;
  photo.tile.prepend(image);
}

// ---- the box -------------------------------------------------------------------------------------------------

export default function attach(box) {
  if (box.put || !canMoveFiles()) return;
  const input = box.querySelector("input[name=photos]");
  const { most, side, mostBytes } = Object.fromEntries(["most", "side", "mostBytes"].map((name) => [name, Number(box.dataset[name])]));
  const say = (key, values = {}) => filled(box.dataset[`say${key}`], values);

  box.append(box.querySelector("template").content.cloneNode(true));
  const blank = box.querySelector("[data-photo]");
  const adders = [...box.querySelectorAll("[data-add]")];
  const status = box.querySelector("[data-status]");
  const trouble = box.querySelector("[data-trouble]");
  blank.remove();
  input.closest("div").hidden = true;
  box.querySelector("#photos-lost")?.remove();

  let photos = []; // { source, file, tile, sent }, in the order of the tiles
  let working = 0; // photos still being looked at
  let queue = Promise.resolve(); // one after the other: two 48-megapixel photos at once end an old phone's browser
  let held = false; // a submit waits
  let through = false; // and has waited long enough

  function tell(sentence) {
    const line = document.createElement("p");
    line.className = "err";
    line.textContent = sentence;
    trouble.append(line);
  }

  function show() {
    const transfer = new DataTransfer();
    photos.forEach((photo, at) => {
      transfer.items.add(photo.file);
      photo.tile.querySelector("[data-remove]").setAttribute("aria-label", say("Remove", { n: at + 1 }));
      const image = photo.tile.querySelector("img");
      if (image) image.alt = say("Alt", { n: at + 1 });
    });
    input.files = transfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true })); // for whoever keeps what the form holds
    const left = most - photos.length;
    for (const adder of adders) adder.hidden = left <= 0;
    if (held) status.textContent = say("Wait");
    else status.textContent = left > 0 ? (photos.length ? say("Left", { n: left }) : "") : say("Full");
  }

  function remove(photo) {
    const at = photos.indexOf(photo);
    if (at < 0) return;
    const focused = photo.tile.contains(document.activeElement);
    photos = photos.filter((other) => other !== photo);
    photo.tile.remove();
    show();
    if (!focused) return;
    const next = photos[Math.min(at, photos.length - 1)];
    (next ? next.tile.querySelector("[data-remove]") : adders[0].querySelector("input")).focus();
  }

  async function look(photo) {
    const { source } = photo;
    if (!photos.includes(photo)) return; // taken out again before its turn
    let head;
    try {
      head = new Uint8Array(await source.slice(0, 12).arrayBuffer());
    } catch {
      remove(photo); // moved or deleted since, or lent for too short a time
      tell(say("Unreadable", { name: source.name }));
      return;
    }
    if (!beginsAsPhoto(head)) {
      remove(photo);
      tell(say("Foreign", { name: source.name }));
      return;
    }
    try {
      const copy = await smaller(source, side);
      // What has been sent once is not exchanged: sent again under the same entry it must be the same.
      if (!photo.sent) photo.file = copy;
      preview(photo, copy);
    } catch {
      // Not for this browser (HEIC, mostly): the server looks at it.
      if (source.size <= mostBytes) return;
      remove(photo);
      tell(say("Heavy", { name: source.name }));
    }
  }

  // `made`: small copies of an earlier time, which stay as they are.
  function add(files, made = false) {
    trouble.replaceChildren();
    let over = 0;
    for (const source of files) {
      if (photos.some((photo) => markOf(photo.source) === markOf(source))) { if (!made) tell(say("Again", { name: source.name })); continue; }
      if (photos.length >= most) { over += 1; continue; }
      const tile = blank.cloneNode(true);
      const photo = { source, file: source, tile, sent: made };
      tile.querySelector(".photo-name").textContent = source.name;
      tile.querySelector("[data-remove]").addEventListener("click", () => { trouble.replaceChildren(); remove(photo); });
      adders[0].before(tile);
      photos.push(photo);
      working += 1;
      queue = queue.then(() => look(photo)).catch(() => {}).then(() => { working -= 1; show(); });
    }
    if (over) tell(say("Over", { most, n: over }));
    show();
  }

  for (const adder of adders) {
    const picker = adder.querySelector("input");
    picker.addEventListener("change", () => { const files = [...picker.files]; picker.value = ""; add(files); });
  }

  // On the document, so that it comes before everything else that listens to whichever form is around the box by then.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!box.isConnected || form !== input.form) return;
    if (!working || through) {
      for (const photo of photos) photo.sent = true;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (held) return;
    held = true;
    show();
    const { submitter } = event;
    Promise.race([queue, sleep(PATIENCE)]).then(() => {
      held = false;
      show();
      through = true; // whatever is not small by now goes as it came
      if (form.isConnected) form.requestSubmit(submitter);
      through = false;
    });
  }, true);

  /** Puts in a photo of an earlier time; whether it has a tile of its own now. */
  box.put = (file) => {
    const before = photos.length;
    add([file], true);
    return photos.length > before;
  };
  if (input.files.length) add([...input.files]); // come back through history, or chosen before this file was here
  else show();
}
