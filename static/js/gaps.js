// Gaps: choosing rows by mouse and keyboard, the reason, and arrow keys in drawings.
"use strict";

(() => {
  const form = () => document.getElementById("gap-form");
  const rows = () => [...(form()?.querySelectorAll("tr[data-row]") || [])];
  const boxOf = (row) => row.querySelector('input[name="gap"]');
  const current = () => document.activeElement.closest?.("tr[data-row]");
  // Cells of drawings; the table behind a drawing has links of its own.
  const cellsOf = (part) => [...part.querySelectorAll("svg a")];
  let last = null;

  const show = () => {
    document.querySelectorAll("[data-roving]").forEach((part) => {
      const links = cellsOf(part);
      if (links.length && !links.some((link) => link.getAttribute("tabindex") === "0")) links[0].setAttribute("tabindex", "0");
    });
    if (!form()) return;
    const chosen = rows().filter((row) => boxOf(row).checked);
    rows().forEach((row) => row.setAttribute("aria-selected", String(boxOf(row).checked)));
    const words = form().querySelector("[data-chosen]");
    if (words) words.textContent = chosen.length ? `${chosen.length} chosen` : "None chosen";
    form().querySelectorAll("[data-needs-choice]").forEach((button) => (button.disabled = chosen.length === 0));
    const head = form().querySelector("[data-choose-page]");
    head.checked = chosen.length > 0 && chosen.length === rows().length;
    head.indeterminate = chosen.length > 0 && chosen.length < rows().length;
  };

  const focus = (row) => {
    if (!row) return;
    rows().forEach((other) => (other.tabIndex = other === row ? 0 : -1));
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const all = rows();
    const at = all.indexOf(current());
    focus(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
  };

  const toggle = (row) => {
    if (!row) return;
    boxOf(row).checked = !boxOf(row).checked;
    last = row;
    show();
  };

  // By key: what is chosen, else the row that is looked at, and then the reason.
  const expect = () => {
    const menu = form()?.querySelector(".gap-expect");
    if (!menu) return;
    if (current() && !rows().some((row) => boxOf(row).checked)) toggle(current());
    menu.open = true;
  };

  const open = () => current()?.querySelector("th a")?.click();
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    x: () => toggle(current()),
    " ": () => toggle(current()),
    e: expect,
    o: open,
    Enter: open,
  };
  const onRow = new Set(["ArrowDown", "ArrowUp", " ", "Enter"]);

  // In a drawing one cell can be reached with Tab; arrows go on to the others.
  const steps = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
  const rove = (event) => {
    const part = event.target.closest?.("[data-roving]");
    if (!part || !(event.key in steps) || !event.target.closest("svg")) return false;
    const links = cellsOf(part);
    const next = links[links.indexOf(event.target) + steps[event.key]];
    if (next) {
      event.target.setAttribute("tabindex", "-1");
      next.setAttribute("tabindex", "0");
      next.focus();
    }
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (rove(event)) {
      event.preventDefault();
      return;
    }
    if (!form() || event.target.matches("input:not([type=checkbox]), select, textarea, button, summary")) return;
    if (onRow.has(event.key) && !event.target.matches("tr[data-row]")) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // Shift and a click choose all rows between.
  document.addEventListener("click", (event) => {
    const row = event.target.matches?.('#gap-form input[name="gap"]') && event.target.closest("tr");
    if (!row) return;
    const all = rows();
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(row)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((one) => (boxOf(one).checked = event.target.checked));
    }
    last = row;
    show();
  });

  document.addEventListener("toggle", (event) => {
    if (event.target.matches?.(".gap-expect[open]")) event.target.querySelector("input").focus();
  }, true);
  document.addEventListener("change", (event) => {
    if (!event.target.closest?.("#gap-form")) return;
    if (event.target.matches("[data-choose-page]")) rows().forEach((row) => (boxOf(row).checked = event.target.checked));
    show();
  });
  document.addEventListener("htmx:afterSwap", show);
  document.addEventListener("DOMContentLoaded", show);
  window.addEventListener("pageshow", show);
})();
