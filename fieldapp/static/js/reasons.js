// What is often said, as a tap instead of typing.

export default function attach(row) {
  const field = document.getElementById(row.dataset.for);
  row.hidden = false;
  row.addEventListener("click", (event) => {
    const button = event.target.closest("[data-say]");
    if (button) field.value = button.dataset.say;
  });
}
