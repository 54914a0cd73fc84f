// Choosing datasets: all of the page at once, and how many are chosen.
"use strict";

(() => {
  const boxes = () => [...document.querySelectorAll('#manage-form input[name="dataset"]')];

  const show = () => {
    const form = document.getElementById("manage-form");
    if (!form) return;
    const all = form.querySelector('input[name="all"]');
    const chosen = boxes().filter((box) => box.checked).length;
    const number = all?.checked ? Number(all.dataset.number) : chosen;
    form.querySelector("[data-chosen]").textContent = `${number.toLocaleString("en").replaceAll(",", "\u202f")} chosen`;
    form.querySelector("[data-needs-choice]").disabled = number === 0;
    const head = form.querySelector("[data-choose-page]");
    if (head) {
      head.checked = chosen > 0 && chosen === boxes().length;
      head.indeterminate = chosen > 0 && chosen < boxes().length;
    }
    boxes().forEach((box) => box.closest("tr").setAttribute("aria-selected", String(box.checked || Boolean(all?.checked))));
  };

  document.addEventListener("change", (event) => {
    if (!event.target.closest?.("#manage-form")) return;
    if (event.target.matches("[data-choose-page]")) boxes().forEach((box) => (box.checked = event.target.checked));
    show();
  });
  document.addEventListener("htmx:afterSwap", show);
  document.addEventListener("DOMContentLoaded", show);
  window.addEventListener("pageshow", show);
})();
