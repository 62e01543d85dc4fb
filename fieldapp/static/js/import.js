// While the confirmation is under way the page asks how far it is. Without this file the button just takes longer.

export default function attach(element) {
  if (element.tagName === "DETAILS") {
    // On a phone the rows come first; the columns unfold at a tap.
    if (matchMedia("(max-width: 59.99rem)").matches) element.open = false;
    return;
  }
  element.addEventListener("submit", () => {
    const ask = () => {
      const bar = document.getElementById("import-progress");
      if (bar) bar.dispatchEvent(new CustomEvent("import-progress", { bubbles: true }));
    };
    setTimeout(() => { ask(); setInterval(ask, 1000); }, 600);
  });
}
