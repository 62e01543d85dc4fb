// How much of a need has been said, counted while it is typed. The server counts the same at every save.

// Which of the parts are there, from the form's (name, value) pairs.
export function partsSaid(pairs) {
  const filled = new Set(pairs.filter(([, value]) => typeof value === "string" && value.trim()).map(([name]) => name));
  const measured = [...filled].some((name) => {
    const row = /^indicators-(\d+)-name$/.exec(name);
    return row && filled.has(`indicators-${row[1]}-target`);
  });
  return {
    indicators: measured,
    deadline: filled.has("deadline"),
    budget: filled.has("budget"),
    ip_ownership: filled.has("ip_ownership"),
    conditions: filled.has("conditions"),
  };
}

export default (section) => {
  const form = section.closest("form");
  const show = () => {
    const said = partsSaid([...new FormData(form)]);
    const score = Object.values(said).filter(Boolean).length;
    section.querySelector("meter").value = score;
    section.querySelector("[data-score]").textContent = score;
    for (const tag of section.querySelectorAll("[data-part]")) {
      const there = said[tag.dataset.part];
      tag.classList.toggle("tag-ok", there);
      const picture = tag.querySelector("use");
      picture.setAttribute("href", picture.getAttribute("href").replace(/#.*/, there ? "#check" : "#minus"));
      tag.querySelector("[data-there]").hidden = !there;
      tag.querySelector("[data-missing]").hidden = there;
    }
  };
  form.addEventListener("input", show);
  show();
};
