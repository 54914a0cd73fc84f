// The shell: theme, clock, search key, menus, messages, and what htmx tells when it fails.
"use strict";

(() => {
  const root = document.documentElement;

  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  const toggleTheme = () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    // A cookie, so that the server renders the next page in this theme: no flash.
    document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax`;
    document.dispatchEvent(new CustomEvent("desk:theme"));
  };
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#theme-toggle")) toggleTheme();
  });

  const clock = document.getElementById("utc-clock");
  if (clock) {
    const tick = () => {
      clock.textContent = `${new Date().toISOString().slice(11, 19)} UTC`;
    };
    tick();
    setInterval(tick, 1000);
  }

  const isTyping = (element) => element.matches?.("input, select, textarea, [contenteditable]");
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
      const search = document.getElementById("desk-search");
      if (search) {
        event.preventDefault();
        search.focus();
        search.select();
      }
    }
    if (event.key === "Escape") {
      document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
    }
  });

  document.addEventListener("click", (event) => {
    document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    event.target.closest?.("[data-dismiss]")?.closest(".note")?.remove();
  });

  // Selects and inputs that filter: submit their form when they change.
  document.addEventListener("change", (event) => {
    if (event.target.closest?.("[data-submit-on-change]")) event.target.form?.requestSubmit();
  });

  const notices = document.getElementById("notices");
  const tell = (text) => {
    const note = document.createElement("div");
    note.className = "note note-poor";
    note.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "btn btn-quiet";
    close.dataset.dismiss = "";
    close.setAttribute("aria-label", "Dismiss");
    close.textContent = "×";
    note.append(words, close);
    notices?.replaceChildren(note);
  };

  const reasons = {
    403: "You may not do that. Ask a data admin for the permission.",
    404: "That is no longer there. Reload the page.",
    409: "Someone else is changing this right now. Try again in a moment.",
    413: "That is larger than the desk accepts.",
  };
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    tell(reasons[status] || `The server could not do that (status ${status}). Try again; the log says more.`);
  });
  document.addEventListener("htmx:sendError", () => tell("The server does not answer. Check that the desk is running."));
  document.addEventListener("htmx:timeout", () => tell("The server took too long. Try again."));
  document.addEventListener("desk:problem", (event) => tell(event.detail));

  // An ended session redirects to the login page: go there instead of swapping it into a fragment.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answered = event.detail.xhr.responseURL;
    if (!answered) return;
    const loginPath = document.body.dataset.loginUrl;
    if (new URL(answered).pathname === loginPath) {
      event.detail.shouldSwap = false;
      const here = location.pathname + location.search;
      location.assign(`${loginPath}?next=${encodeURIComponent(here)}`);
    }
  });
})();
