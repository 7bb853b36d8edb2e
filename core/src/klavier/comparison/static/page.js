"use strict";
// Every row is in the page already; this only hides and shows them.
const filters = document.querySelector(".filters");
if (filters) {
  const rows = [...document.querySelectorAll("tr[data-kind]")];
  const texts = new Map(rows.map((row) => [row, (row.textContent + " " + row.dataset.where).toLowerCase()]));
  const showing = filters.querySelector(".showing");
  const apply = () => {
    const words = filters.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kind = filters.elements.kind.value;
    const parts = new Set([...filters.querySelectorAll(".chips :checked")].map((chip) => chip.value));
    let shown = 0;
    for (const row of rows) {
      const fits = (!kind || row.dataset.kind === kind)
        && (!parts.size || parts.has(row.dataset.part))
        && words.every((word) => texts.get(row).includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    for (const group of document.querySelectorAll(".part, .part .rows tbody")) {
      group.hidden = !group.querySelector("tr[data-kind]:not([hidden])");
    }
    showing.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown`;
  };
  filters.addEventListener("input", apply);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.hidden = false;
  apply();
}
