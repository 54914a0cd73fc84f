// Parts of a quality page are read again while one looks at it: what was unfolded stays unfolded.
"use strict";

(() => {
  let open = new Set();

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!event.detail.target.matches?.("[data-keep-open]")) return;
    open = new Set([...event.detail.target.querySelectorAll("details[id][open]")].map((part) => part.id));
  });
  document.addEventListener("htmx:afterSwap", () => {
    open.forEach((id) => {
      const part = document.getElementById(id);
      if (part) part.open = true;
    });
    open.clear();
  });
})();
