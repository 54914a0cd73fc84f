// The tree of venues and instruments: opening lazily, and the keys of role=tree.
"use strict";

(() => {
  const tree = () => document.getElementById("tree");
  const items = () => [...tree().querySelectorAll('[role="treeitem"]')].filter((item) => !item.parentElement.closest('[aria-expanded="false"]'));
  const linkOf = (item) => item.querySelector(":scope > .tree-row a");

  const setOpen = (item, open) => {
    if (!item.hasAttribute("aria-expanded")) return;
    item.setAttribute("aria-expanded", String(open));
    const group = item.querySelector(':scope > [role="group"]');
    // The group asks for its children once, when it is opened first.
    if (open && group?.hasAttribute("hx-get") && !group.children.length) htmx.trigger(group, "tree:open");
  };

  const focusOn = (item) => {
    if (!item) return;
    tree().querySelectorAll('[tabindex="0"][role="treeitem"]').forEach((other) => (other.tabIndex = -1));
    item.tabIndex = 0;
    item.focus();
  };

  const select = () => {
    const asked = new URLSearchParams(location.search);
    const [venue, instrument] = [asked.get("venue") || "", asked.get("instrument") || ""];
    tree()?.querySelectorAll('[role="treeitem"]:not(.tree-leaf)').forEach((item) => {
      const isIt = venue !== "" && item.dataset.venue === venue && (item.dataset.instrument || "") === instrument;
      item.setAttribute("aria-selected", String(isIt));
    });
    document.querySelector(".tree-all")?.toggleAttribute("aria-current", !venue);
  };

  document.addEventListener("click", (event) => {
    const item = event.target.closest?.('#tree [role="treeitem"]');
    if (!item) return;
    if (event.target.closest(".tree-twisty")) setOpen(item, item.getAttribute("aria-expanded") !== "true");
    else if (event.target.closest("a")) setOpen(item, true);
  });

  const actions = {
    ArrowDown: (all, at) => focusOn(all[at + 1]),
    ArrowUp: (all, at) => focusOn(all[at - 1]),
    Home: (all) => focusOn(all[0]),
    End: (all) => focusOn(all.at(-1)),
    ArrowRight: (all, at) => {
      const item = all[at];
      if (item.getAttribute("aria-expanded") === "false") setOpen(item, true);
      else focusOn(item.querySelector('[role="treeitem"]'));
    },
    ArrowLeft: (all, at) => {
      const item = all[at];
      if (item.getAttribute("aria-expanded") === "true") setOpen(item, false);
      else focusOn(item.parentElement.closest('[role="treeitem"]'));
    },
    Enter: (all, at) => linkOf(all[at]).click(),
    " ": (all, at) => linkOf(all[at]).click(),
  };

  document.addEventListener("keydown", (event) => {
    const item = event.target.closest?.('#tree [role="treeitem"]');
    if (!item || event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
    event.preventDefault();
    const all = items();
    actions[event.key](all, all.indexOf(item));
  });

  document.addEventListener("htmx:pushedIntoHistory", select);
})();
