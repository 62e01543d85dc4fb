// Counting while choosing: how many enterprises, and what whoever gets them will have. Every step works without it.

// Sentences come with places: {1} a number of enterprises, {2} an officer's name, {3} the mark.
const fill = (words, ...values) => words.replace(/\{([123])\}/g, (_all, place) => values[place - 1]);

// [width of what stays, its class is warning, start and width of what comes] for a bar of `top`.
export function barOf(load, after, top, mark) {
  const kept = Math.min(load, after);
  const share = (n) => Math.round((100000 * n) / top) / 1000;
  return { now: share(kept), more: share(Math.max(after - load, 0)), over: after > mark };
}

function draw(bar, load, after, top, mark) {
  const { now, more, over } = barOf(load, after, top, mark);
  const [kept, coming] = [bar.querySelector("[data-now]"), bar.querySelector("[data-more]")];
  kept.setAttribute("width", now);
  coming.setAttribute("x", now);
  coming.setAttribute("width", more);
  coming.setAttribute("class", over ? "f-warn" : "f-soft");
}

export default function attach(form) {
  const say = form.dataset;
  const boxes = () => [...form.elements].filter(({ name }) => name === "e"); // also beside the form
  const ticked = () => boxes().filter((box) => box.checked);
  const all = document.querySelector("[data-all]");
  const everything = form.querySelector("[data-everything]");
  const bar = document.querySelector(".assign-bar");
  const side = document.querySelector(`[data-form="${form.id}"]`); // the officers beside the list

  const number = () => (everything?.checked && Number(everything.dataset.everything)) || ticked().length;

  function officers(chosen) {
    const act = form.elements.act?.value || "give";
    const to = [...(side?.querySelectorAll("input[type=radio]") || [])].find((radio) => radio.checked);
    const group = side?.querySelector("[data-top]");
    for (const one of side?.querySelectorAll("[data-officer]") || []) {
      const load = Number(one.dataset.load);
      const own = ticked().filter((box) => box.dataset.from === one.dataset.officer).length;
      let after = load;
      if (act === "give" && to?.value === one.dataset.officer) after = load + chosen - own;
      draw(one.querySelector(".bar"), load, after, Math.max(Number(group.dataset.top), after), Number(group.dataset.mark));
      const count = one.querySelector("[data-count]");
      count.textContent = after === load ? fill(say.sayHomes, load) : `${load} → ${fill(say.sayHomes, after)}`;
      if (to?.value !== one.dataset.officer || !bar) continue;
      const mark = Number(group.dataset.mark);
      const words = after > mark ? say.sayOver : say.sayAfter;
      bar.querySelector("[data-after-words]").textContent = act === "give" && chosen ? fill(words, after, to.dataset.name, mark) : "";
    }
    const go = bar?.querySelector("[data-go]");
    if (go) go.querySelector("span").textContent = act === "give" && to ? fill(say.sayGive, "", to.dataset.name) : go.dataset.plain;
  }

  function plan() {
    const group = form.querySelector("[data-bars]");
    if (!group) return;
    const loads = new Map([...group.querySelectorAll("[data-officer]")].map((one) => [one.dataset.officer, Number(one.dataset.load)]));
    for (const box of ticked()) {
      const own = form.elements[`to-${box.value.split(":")[0]}`];
      const to = own ? own.value : group.dataset.to;
      if (own && !to) continue;
      if (loads.has(box.dataset.from)) loads.set(box.dataset.from, loads.get(box.dataset.from) - 1);
      if (loads.has(to)) loads.set(to, loads.get(to) + 1);
    }
    const top = Math.max(Number(group.dataset.top), ...loads.values());
    for (const one of group.querySelectorAll("[data-officer]")) {
      const after = loads.get(one.dataset.officer);
      one.querySelector("[data-after]").textContent = after;
      draw(one.querySelector(".bar"), Number(one.dataset.load), after, top, Number(group.dataset.mark));
    }
  }

  function count() {
    const chosen = number();
    const words = fill(say.sayCount, chosen);
    const tag = form.querySelector("[data-chosen]");
    if (tag) { tag.hidden = chosen === 0; tag.textContent = words; }
    const plain = form.querySelector("[data-chosen-plain]");
    if (plain) plain.textContent = fill(say.sayHomes, chosen);
    if (bar) bar.querySelector("[data-chosen-words]").textContent = words;
    if (all) { all.checked = chosen > 0 && ticked().length === boxes().length; all.indeterminate = ticked().length > 0 && !all.checked; }
    officers(chosen);
    plan();
  }

  document.addEventListener("change", (event) => {
    if (event.target.form !== form) return;
    if (event.target === all) for (const box of boxes()) box.checked = all.checked;
    if (event.target === everything && everything.checked) for (const box of boxes()) box.checked = true;
    if (event.target.name === "e" && !event.target.checked && everything) everything.checked = false;
    // Choosing an officer for a line is wanting it; choosing nobody is not.
    if (event.target.name?.startsWith("to-")) event.target.closest("li").querySelector("input[name=e]").checked = event.target.value !== "";
    count();
  });
  form.addEventListener("reset", () => setTimeout(count));
  window.addEventListener("pageshow", count);
  count();
}
