// Copies what a field holds; where the browser does not let it, says how to do it by hand.
export default (button) => {
  const field = document.getElementById(button.dataset.from);
  const words = document.getElementById(button.dataset.say);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      words.textContent = button.dataset.done;
    } catch {
      words.textContent = button.dataset.failed;
    }
  });
};
