// Where the officer is, after a tap and for this visit only: asked for ten seconds, shown with distance, accuracy and
// time, taken away with a tap. Nothing here stops a visit from being sent.

const PATIENCE = 10_000;
const OLDEST = 60_000;
const COARSE = 500;
const EARTH = 6_371_008.8;

// Metres on a sphere of the mean earth radius, as coordinates.py reckons.
export function metresBetween(one, other) {
  const [a, b] = [one.lat, other.lat].map((degrees) => (degrees * Math.PI) / 180);
  const half = ((other.lng - one.lng) * Math.PI) / 360;
  const h = Math.sin((b - a) / 2) ** 2 + Math.cos(a) * Math.cos(b) * Math.sin(half) ** 2;
  return 2 * EARTH * Math.atan2(Math.sqrt(h), Math.sqrt(Math.max(0, 1 - h)));
}

// What became of asking: a fix that can be used, or the name of the state that says why not.
export function verdict(position, tappedAt, now) {
  if (tappedAt - position.timestamp > OLDEST) return "old";
  if (now - tappedAt > PATIENCE) return "timeout";
  return "found";
}

export const isFar = (distance, radius, accuracy) => distance !== null && distance > Math.max(radius, accuracy);

export function lengthWords(metres, words) {
  const [template, number] = metres < 1000 ? [words.metres, String(Math.round(metres))] : [words.kilometres, (metres / 1000).toFixed(1)];
  return template.replace("{n}", number);
}

// Both points in the picture, north up, true to scale: pixels per metre and the two places.
export function layOut(me, site, radius, width = 358, height = 150) {
  const down = (site.lat - me.lat) * 111_195;
  const right = (me.lng - site.lng) * 111_195 * Math.cos((site.lat * Math.PI) / 180);
  const [left, end, top, bottom] = [Math.min(right, -radius), Math.max(right, radius), Math.min(down, -radius), Math.max(down, radius)];
  const scale = Math.min((width - 150) / (end - left), (height - 72) / (bottom - top)); // the pin stands 37 above its place
  const at = { x: width / 2 - ((left + end) / 2) * scale, y: height / 2 + 10 - ((top + bottom) / 2) * scale };
  return { scale, site: at, me: { x: at.x + right * scale, y: at.y + down * scale } };
}

export default (section) => {
  const find = (selector) => section.querySelector(selector);
  const field = (name) => section.querySelector(`input[name=${name}]`);
  const { lat, lng, radius } = section.dataset;
  const site = lat && lng ? { lat: Number(lat), lng: Number(lng) } : null;
  const reach = Number(radius);
  let round = 0; // a late answer of an earlier round is nobody's
  let timer = 0;

  function show(state) {
    for (const line of section.querySelectorAll("[data-state]")) line.hidden = line.dataset.state !== state;
    const first = find("[data-first]");
    if (first) first.hidden = state !== "idle";
    if (state !== "found") { find("[data-map]").hidden = true; find("[data-far]").hidden = true; }
  }

  function empty() {
    for (const name of ["lat", "lng", "accuracy", "fixed_at", "asked_at"]) field(name).value = "";
  }

  function draw(me, accuracy) {
    const place = layOut(me, site, reach);
    const set = (selector, values) => { for (const [name, value] of Object.entries(values)) find(selector).setAttribute(name, typeof value === "number" ? value.toFixed(1) : value); };
    set("[data-range]", { cx: place.site.x, cy: place.site.y, r: reach * place.scale });
    set("[data-leg]", { d: `M${place.site.x.toFixed(1)} ${place.site.y.toFixed(1)}L${place.me.x.toFixed(1)} ${place.me.y.toFixed(1)}` });
    set("[data-me-accuracy]", { cx: place.me.x, cy: place.me.y, r: Math.min(400, Math.max(9, accuracy * place.scale)) });
    set("[data-me]", { cx: place.me.x, cy: place.me.y });
    set("[data-site]", { transform: `translate(${place.site.x.toFixed(1)} ${place.site.y.toFixed(1)})` });
    const left = place.me.x < place.site.x;
    set("[data-me-label]", { x: place.me.x, y: Math.min(146, place.me.y + 22), "text-anchor": left ? "end" : "start" });
    set("[data-site-label]", { x: place.site.x + (left ? 18 : -18), y: Math.max(12, place.site.y - 24), "text-anchor": left ? "start" : "end" });
    find("[data-map]").hidden = false;
  }

  // From the hidden fields, so that a form which came back shows what it holds.
  function showFix() {
    const me = { lat: Number(field("lat").value), lng: Number(field("lng").value) };
    const accuracy = Number(field("accuracy").value);
    const distance = site && metresBetween(me, site);
    const at = new Date(field("fixed_at").value);
    find("[data-distance-line]").hidden = distance === null;
    find("[data-no-distance]").hidden = distance !== null;
    if (distance !== null) find("[data-distance]").textContent = lengthWords(distance, section.dataset);
    find("[data-accuracy]").textContent = lengthWords(accuracy, section.dataset);
    find("[data-time]").textContent = `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
    find("[data-coarse]").hidden = accuracy <= COARSE;
    show("found");
    find("[data-far]").hidden = !isFar(distance, reach, accuracy);
    if (site) draw(me, accuracy);
  }

  function fail(state) {
    const here = section.contains(document.activeElement);
    empty();
    show(state);
    if (here) section.querySelector(`[data-state=${state}] [data-ask]`)?.focus();
  }

  async function ask() {
    if (!window.isSecureContext) return fail("insecure");
    if (!navigator.geolocation) return fail("unsupported");
    const mine = (round += 1);
    let tapped = Date.now();
    empty();
    show("asking");
    find("[data-stop]").focus();
    const end = (state) => { if (mine === round) { round += 1; clearTimeout(timer); fail(state); } };
    const wait = () => { clearTimeout(timer); timer = setTimeout(() => end("timeout"), PATIENCE); };
    wait();
    navigator.geolocation.getCurrentPosition((position) => {
      if (mine !== round) return;
      const state = verdict(position, tapped, Date.now());
      if (state !== "found") { end(state); return; }
      round += 1;
      clearTimeout(timer);
      const { latitude, longitude, accuracy } = position.coords;
      const values = { lat: latitude, lng: longitude, accuracy, fixed_at: new Date(Math.min(position.timestamp, Date.now())).toISOString(), asked_at: new Date(tapped).toISOString() };
      for (const [name, value] of Object.entries(values)) field(name).value = value;
      showFix();
      section.querySelector("[data-state=found] [data-ask]").focus();
    }, (error) => end({ 1: "refused", 3: "timeout" }[error.code] ?? "unavailable"), { enableHighAccuracy: true, timeout: PATIENCE, maximumAge: 0 });
    // While the phone asks the officer for leave no time runs; it runs from the answer on.
    const leave = await navigator.permissions?.query({ name: "geolocation" }).catch(() => null);
    if (leave?.state !== "prompt" || mine !== round) return undefined;
    clearTimeout(timer);
    leave.addEventListener("change", () => { if (mine === round && leave.state === "granted") { tapped = Date.now(); wait(); } }, { once: true });
    return undefined;
  }

  section.addEventListener("click", (event) => {
    const button = event.target.closest("[data-ask], [data-stop], [data-forget]");
    if (!button) return;
    if (button.hasAttribute("data-ask")) { ask(); return; }
    round += 1;
    clearTimeout(timer);
    empty();
    show("idle");
    find("[data-first]")?.focus();
  });
  const again = () => (field("lat").value ? showFix() : show("idle"));
  section.addEventListener("change", (event) => { if (event.target.name === "lat") again(); });
  again();
};
