// The mapping form comes back with its preview after each change: what is typed meanwhile stays.
"use strict";

(() => {
  let typing = null;
  let open = [];

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target.id !== "mapping") return;
    const field = document.activeElement;
    typing = field.matches("#mapping input[type=text], #mapping input[type=number]") && field.id ? { id: field.id, value: field.value } : null;
    open = [...document.querySelectorAll("#mapping details[open]")].map((details) => details.id);
  });

  document.addEventListener("htmx:afterSwap", () => {
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    const field = typing && document.getElementById(typing.id);
    if (!field || field.value === typing.value) return;
    field.value = typing.value;
    // The browser may not report a change of what a script restored.
    let reported = false;
    field.addEventListener("change", () => { reported = true; }, { once: true });
    field.addEventListener("blur", () => reported || htmx.trigger(field, "change"), { once: true });
  });
})();
