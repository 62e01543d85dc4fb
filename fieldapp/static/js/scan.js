// The scanner page: camera, album and torch. The typed code beneath it is a plain form and needs none of this.
//
// The element carries its addresses and sentences as data attributes (see templates/codes/scan.html):
//   data-public-url   what our codes point to          data-open    where a token is opened, "/q/"
//   data-reader       barcode-detector's module        data-wasm    its decoder
//   data-say-…        the sentences, already in the reader's language
// Only our own codes are followed. Whatever else a code says is shown as text and never opened.

const TOKEN = /^[A-Za-z0-9_-]{16,64}$/;
const LOOK = { facingMode: { ideal: "environment" }, width: { ideal: 1920 }, height: { ideal: 1080 } };
const SLOW_START = 10_000; // some in-app browsers never answer a request for the camera

// ---- decisions, without page or camera -----------------------------------------------------------------------

/** The token of one of our own codes, or null. `homes`: public URL and present origin. */
export function ownToken(text, homes) {
  let url;
  try {
    url = new URL(text);
  } catch {
    return null;
  }
  if (url.username || url.password) return null; // https://ours@elsewhere/ is meant to look like ours
  for (const home of homes) {
    let base;
    try {
      base = new URL(home);
    } catch {
      continue;
    }
    const path = base.pathname.replace(/\/$/, "") + "/q/";
    if (url.origin !== base.origin || !url.pathname.startsWith(path)) continue;
    const token = url.pathname.slice(path.length);
    if (TOKEN.test(token)) return token;
  }
  return null;
}

/** Which sentence explains why there is no camera. */
export function trouble(error, secure) {
  if (!secure) return "insecure";
  switch (error && error.name) {
    case "NotAllowedError":
    case "PermissionDeniedError":
    case "SecurityError":
      return "refused";
    case "NotFoundError":
    case "DevicesNotFoundError":
    case "OverconstrainedError":
      return "absent";
    case "NotReadableError":
    case "TrackStartError":
    case "AbortError":
      return "busy";
    default:
      return "old";
  }
}

/** A foreign code's text, safe to show: one line, no control or direction characters, not endless. */
export function shown(text) {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
  return plain.length > 160 ? `${plain.slice(0, 160)}…` : plain;
}

/**
 * What to cut out of a picture and how large to look at it, in turn: {x, y, size: [w, h], to: [w, h]}.
 * The whole picture made smaller finds near codes fast; its middle at full sharpness finds small ones. A code
 * over a fifth of the width has more than four pixels a module in the first, enough for the decoder.
 */
export function looks(width, height, slow = false) {
  const [wholeShort, middleSide] = slow ? [480, 600] : [720, 900];
  const short = Math.min(width, height);
  const scale = Math.min(1, wholeShort / short);
  const found = [{ x: 0, y: 0, size: [width, height], to: [Math.round(width * scale), Math.round(height * scale)] }];
  if (scale < 1) {
    const side = Math.min(short, middleSide);
    found.push({ x: (width - side) >> 1, y: (height - side) >> 1, size: [side, side], to: [side, side] });
  }
  return found;
}

/** Milliseconds to leave the phone alone after a look that took `took`: it decodes at most half of the time. */
export function pause(took) {
  return Math.min(1500, Math.max(60, took));
}

/** Our token first, even when a foreign code is in the picture too. */
export function choose(texts, homes) {
  for (const text of texts) {
    const token = ownToken(text, homes);
    if (token) return { token };
  }
  const foreign = texts.find((text) => text.trim());
  return foreign === undefined ? null : { foreign };
}

// ---- the decoder ---------------------------------------------------------------------------------------------

async function nativeDetector() {
  try {
    const formats = await globalThis.BarcodeDetector.getSupportedFormats();
    return formats.includes("qr_code") ? new globalThis.BarcodeDetector({ formats: ["qr_code"] }) : null;
  } catch {
    return null; // absent, or present without its service, as on phones without Google's
  }
}

async function vendoredDetector(reader, wasm) {
  const { BarcodeDetector, prepareZXingModule } = await import(reader);
  const locateFile = (path, prefix) => (path.endsWith(".wasm") ? wasm : prefix + path);
  await prepareZXingModule({ overrides: { locateFile }, fireImmediately: true });
  return new BarcodeDetector({ formats: ["qr_code"] });
}

/** reads(source) → texts in the picture. Chooses the browser's own decoder, and ours as soon as that one fails. */
function makeReader({ reader, wasm }) {
  let native = null;
  let vendored = null;
  const ready = nativeDetector().then(async (found) => {
    native = found;
    if (!native) vendored = await vendoredDetector(reader, wasm);
  });
  ready.catch(() => {}); // reported where it is awaited
  return {
    ready,
    async read(picture) {
      await ready;
      if (native) {
        try {
          return (await native.detect(picture)).map((code) => code.rawValue);
        } catch {
          native = null;
        }
      }
      vendored ??= await vendoredDetector(reader, wasm);
      return (await vendored.detect(picture)).map((code) => code.rawValue);
    },
  };
}

// ---- the page ------------------------------------------------------------------------------------------------

export default function scan(element) {
  const part = (name) => element.querySelector(`[data-scan="${name}"]`);
  const [video, status, again, torch, album, foreign, foreignText] = [
    "video", "status", "again", "torch", "album", "foreign", "foreign-text",
  ].map(part);
  const { publicUrl, open, reader: readerUrl, wasm } = element.dataset;
  const homes = [publicUrl, location.origin];
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });

  let reader = null;
  let stream = null;
  let turn = 0; // counts starts and stops: what was begun in an earlier turn is void
  let wanted = true; // the camera is to run while the page is visible
  let done = false; // a code of ours was found, the page is on its way out

  const say = (key) => {
    const text = element.dataset[`say${key[0].toUpperCase()}${key.slice(1)}`] ?? "";
    if (status.textContent !== text) status.textContent = text; // live region: no repeated announcement
    element.dataset.state = key;
  };

  const decoder = () => (reader ??= makeReader({ reader: readerUrl, wasm }));

  function cut({ x, y, size: [w, h], to: [width, height] }, source) {
    canvas.width = width;
    canvas.height = height;
    context.drawImage(source, x, y, w, h, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  }

  /** Follows our own code, shows any other. True when the page is being left. */
  function act(result) {
    if (!result || done) return done;
    if (result.foreign !== undefined) {
      const text = shown(result.foreign);
      if (foreignText.textContent !== text) foreignText.textContent = text;
      foreign.hidden = false;
      return false;
    }
    done = true;
    foreign.hidden = true;
    // Before the first tap browsers refuse to vibrate, and say so in the console.
    if (navigator.userActivation?.hasBeenActive) navigator.vibrate?.(60);
    say("found");
    stop();
    location.assign(open + result.token);
    return true;
  }

  async function watch(mine) {
    let slow = false;
    let at = 0;
    while (mine === turn) {
      let took = 0;
      if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && video.videoWidth) {
        const choices = looks(video.videoWidth, video.videoHeight, slow);
        const started = performance.now();
        let texts;
        try {
          texts = await decoder().read(cut(choices[at++ % choices.length], video));
        } catch {
          if (mine !== turn) return;
          stop();
          say("old"); // neither decoder runs here
          return;
        }
        took = performance.now() - started;
        if (took > 300 && at > 2) slow = true; // the first looks also load the decoder
        if (mine !== turn || act(choose(texts, homes))) return;
      }
      await new Promise((resolve) => setTimeout(resolve, pause(took)));
    }
  }

  function stop() {
    turn += 1;
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    video.hidden = true;
    torch.hidden = true;
    torch.setAttribute("aria-pressed", "false");
  }

  async function askForCamera() {
    try {
      return await navigator.mediaDevices.getUserMedia({ video: LOOK, audio: false });
    } catch (error) {
      if (error.name !== "OverconstrainedError") throw error;
      return navigator.mediaDevices.getUserMedia({ video: true, audio: false });
    }
  }

  async function start() {
    stop();
    const mine = turn;
    again.hidden = true;
    say("starting");
    if (!window.isSecureContext || !navigator.mediaDevices?.getUserMedia) {
      say(trouble(null, window.isSecureContext));
      return;
    }
    const late = setTimeout(() => mine === turn && say("late"), SLOW_START);
    try {
      const got = await askForCamera();
      if (mine !== turn) {
        for (const track of got.getTracks()) track.stop(); // left or hidden meanwhile
        return;
      }
      stream = got;
      video.srcObject = stream;
      video.muted = true;
      video.hidden = false;
      await video.play();
    } catch (error) {
      if (mine !== turn) return;
      stop();
      say(trouble(error, window.isSecureContext));
      again.hidden = false;
      return;
    } finally {
      clearTimeout(late);
    }
    if (mine !== turn) return;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (mine !== turn) return;
      stop();
      say("busy");
      again.hidden = false;
    });
    const able = track.getCapabilities?.() ?? {};
    torch.hidden = !able.torch;
    if (able.focusMode?.includes("continuous")) {
      track.applyConstraints({ advanced: [{ focusMode: "continuous" }] }).catch(() => {});
    }
    say("aim");
    await watch(mine);
  }

  async function light() {
    const on = torch.getAttribute("aria-pressed") !== "true";
    try {
      await stream.getVideoTracks()[0].applyConstraints({ advanced: [{ torch: on }] });
      torch.setAttribute("aria-pressed", String(on));
    } catch {
      torch.hidden = true; // promised by the phone, but not kept
    }
  }

  async function picture(file) {
    if (self.createImageBitmap) {
      try {
        return await createImageBitmap(file, { imageOrientation: "from-image" });
      } catch {
        // older browsers know no options; an image element decodes more kinds, too
      }
    }
    const image = new Image();
    image.src = URL.createObjectURL(file);
    try {
      await image.decode();
    } finally {
      URL.revokeObjectURL(image.src);
    }
    return image;
  }

  /** Looks at a photograph: whole in three sizes, then its quarters (overlapping) at full sharpness. */
  async function* parts(source) {
    const [width, height] = [source.naturalWidth || source.width, source.naturalHeight || source.height];
    const short = Math.min(width, height);
    for (const wanted of [800, 1600, 400]) {
      const scale = Math.min(1, wanted / short);
      yield cut({ x: 0, y: 0, size: [width, height], to: [width * scale, height * scale].map(Math.round) }, source);
      if (scale === 1 && wanted === 800) break;
    }
    if (short <= 1600) return;
    const [w, h] = [Math.round(width * 0.6), Math.round(height * 0.6)];
    for (const [x, y] of [[0.2, 0.2], [0, 0], [0.4, 0], [0, 0.4], [0.4, 0.4]]) {
      const scale = Math.min(1, 1600 / Math.min(w, h));
      const to = [w * scale, h * scale].map(Math.round);
      yield cut({ x: Math.round(x * width), y: Math.round(y * height), size: [w, h], to }, source);
    }
  }

  async function fromAlbum() {
    const [file] = album.files;
    if (!file) return;
    wanted = false; // the camera stays off until it is asked for again
    stop();
    foreign.hidden = true;
    say("reading");
    let seen = null;
    try {
      const source = await picture(file);
      for await (const piece of parts(source)) {
        const result = choose(await decoder().read(piece), homes);
        seen = result ?? seen;
        if (result?.token) break;
        await new Promise((resolve) => setTimeout(resolve)); // let the page breathe between two looks
      }
    } catch {
      say("unreadable");
      again.hidden = false;
      return;
    }
    if (act(seen)) return;
    album.value = ""; // the same picture may be chosen again
    say(seen ? "other" : "none");
    again.hidden = false;
  }

  again.addEventListener("click", () => {
    wanted = true;
    foreign.hidden = true;
    start();
  });
  torch.addEventListener("click", light);
  album.addEventListener("change", fromAlbum);
  album.closest("label").hidden = false; // without this script the album could not be read
  // A camera that goes on behind another app drains the battery and frightens people.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      wanted &&= !done && ["starting", "late", "aim"].includes(element.dataset.state);
      stop(); // also voids a question for the camera that is still open
    } else if (wanted && !stream && !done) {
      start();
    }
  });
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    done = false;
    start();
  });

  if (document.hidden) say("starting");
  else start();
}
