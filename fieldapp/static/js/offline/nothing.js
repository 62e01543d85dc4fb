// The page that stands where none is kept: says which kind was asked for, and goes on by itself when there is a network.
export default (box) => {
  const { reason = "page" } = document.documentElement.dataset;
  for (const line of box.querySelectorAll("[data-for]")) line.hidden = !line.dataset.for.includes(reason);
  box.querySelector("[data-again]").href = location.href;
  addEventListener("online", () => setTimeout(() => location.reload(), 1500), { once: true }); // whoever goes elsewhere is not called back
};
