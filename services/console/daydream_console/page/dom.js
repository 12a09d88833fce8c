// Build and fill elements. Texts are set as text, never as markup.

export const byId = (id) => document.getElementById(id);

export function element(tag, attributes = {}, ...children) {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const note = (textContent) => element("p", { className: "soft", textContent });

export const alarm = (textContent) => element("p", { className: "alarm", textContent });

export function fillFigures(target, rows) {
  const figures = rows.map(([name, value]) =>
    element("div", {}, element("dt", { textContent: name }), element("dd", { textContent: value })),
  );
  target.replaceChildren(...figures);
}

const isNumber = (cell) => typeof cell === "number" || /^[$\d]/.test(cell);

export function fillTable(id, rows) {
  const lines = rows.map((cells) => {
    const columns = cells.map((cell) =>
      element("td", { className: isNumber(cell) ? "n" : "", textContent: cell }),
    );
    return element("tr", {}, ...columns);
  });
  byId(id).tBodies[0].replaceChildren(...lines);
}

export function showStatus(target, text, isError = false) {
  target.className = isError ? "alarm" : "soft";
  target.textContent = text;
}

export function usd(nanousd) {
  const dollars = nanousd / 1e9;
  if (dollars === 0) return "$0";
  return `$${dollars < 0.01 ? dollars.toPrecision(2) : dollars.toFixed(2)}`;
}

export const localTime = (time) => new Date(time).toLocaleString();
