// On a phone each row of a table is a card, and each cell names its column (see style.css).
// The roles keep rows and cells what they are for screen readers when CSS lays them out as blocks.

function label(table) {
  const heads = [...table.querySelectorAll("thead th")].map((head) => head.textContent.trim());
  table.setAttribute("role", "table");
  for (const part of table.querySelectorAll("thead, tbody")) part.setAttribute("role", "rowgroup");
  for (const row of table.querySelectorAll("tr")) row.setAttribute("role", "row");
  for (const head of table.querySelectorAll("th")) head.setAttribute("role", "columnheader");
  for (const row of table.querySelectorAll("tbody tr")) {
    let column = 0;
    for (const cell of row.cells) {
      cell.setAttribute("role", "cell");
      if (column && cell.colSpan === 1) cell.dataset.column = heads[column] ?? "";
      column += cell.colSpan;
    }
  }
  table.closest(".table").classList.add("cards");
}

export function setUpTables() {
  const labelAll = () => document.querySelectorAll(".table > table").forEach(label);
  labelAll();
  document.addEventListener("htmx:after:settle", labelAll);
}
