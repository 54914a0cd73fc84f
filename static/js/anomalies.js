// Anomalies: choosing rows by mouse and keyboard, and deciding about them.
"use strict";

(() => {
  const form = () => document.getElementById("anomaly-form");
  const rows = () => [...(form()?.querySelectorAll("tr[data-row]") || [])];
  const boxOf = (row) => row.querySelector('input[name="anomaly"]');
  const decisions = { 1: "real_event", 2: "bad_data", 3: "ignored", 0: "open" };
  let last = null;

  const show = () => {
    if (!form()) return;
    const chosen = rows().filter((row) => boxOf(row)?.checked);
    rows().forEach((row) => row.setAttribute("aria-selected", String(Boolean(boxOf(row)?.checked))));
    const words = form().querySelector("[data-chosen]");
    if (words) words.textContent = chosen.length ? `${chosen.length} chosen` : "None chosen";
    form().querySelectorAll("[data-needs-choice]").forEach((button) => (button.disabled = chosen.length === 0));
    const head = form().querySelector("[data-choose-page]");
    if (head) {
      head.checked = chosen.length > 0 && chosen.length === rows().length;
      head.indeterminate = chosen.length > 0 && chosen.length < rows().length;
    }
  };

  const focus = (row) => {
    if (!row) return;
    rows().forEach((other) => (other.tabIndex = other === row ? 0 : -1));
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const all = rows();
    const at = all.indexOf(document.activeElement.closest?.("tr[data-row]"));
    focus(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
  };

  const toggle = (row) => {
    if (!row || !boxOf(row)) return;
    boxOf(row).checked = !boxOf(row).checked;
    last = row;
    show();
  };

  // A decision by key takes what is chosen, else the row that is looked at, and asks for the reason.
  const decide = (value) => {
    const select = form()?.querySelector('select[name="decision"]');
    if (!select) return;
    const current = document.activeElement.closest?.("tr[data-row]");
    if (current && !rows().some((row) => boxOf(row).checked)) toggle(current);
    select.value = value;
    form().querySelector('input[name="reason"]').focus();
  };

  const keys = {
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    x: () => toggle(document.activeElement.closest("tr[data-row]")),
    " ": () => toggle(document.activeElement.closest("tr[data-row]")),
    o: () => document.activeElement.closest("tr[data-row]")?.querySelector("a")?.click(),
    Enter: () => document.activeElement.closest("tr[data-row]")?.querySelector("a")?.click(),
  };
  const onRow = new Set(["ArrowDown", "ArrowUp", " ", "Enter"]);

  document.addEventListener("keydown", (event) => {
    if (!form() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea, button, summary")) return;
    if (onRow.has(event.key) && !event.target.matches("tr[data-row]")) return;
    const act = event.key in decisions ? () => decide(decisions[event.key]) : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // Shift and a click choose all rows between.
  document.addEventListener("click", (event) => {
    const row = event.target.matches?.('#anomaly-form input[name="anomaly"]') && event.target.closest("tr");
    if (!row) return;
    const all = rows();
    if (event.shiftKey && last && all.includes(last)) {
      const [from, to] = [all.indexOf(last), all.indexOf(row)].sort((a, b) => a - b);
      all.slice(from, to + 1).forEach((one) => (boxOf(one).checked = event.target.checked));
    }
    last = row;
    show();
  });

  document.addEventListener("change", (event) => {
    if (!event.target.closest?.("#anomaly-form")) return;
    if (event.target.matches("[data-choose-page]")) rows().forEach((row) => (boxOf(row).checked = event.target.checked));
    show();
  });
  document.addEventListener("htmx:afterSwap", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    // One anomaly's page: its row stands in the middle of its neighbours.
    const marked = document.querySelector(".neighbours tr.marked");
    const box = marked?.closest(".neighbours");
    if (box) box.scrollTop = marked.offsetTop - (box.clientHeight - marked.offsetHeight) / 2;
  });
  window.addEventListener("pageshow", show);
})();
