// Show events as they happen, at most 20 times a second, with a pause that loses nothing.
const SHOWN = 100;
const REDRAW_MS = 50;

function line(event) {
  const item = document.createElement("li");
  item.className = event.kind;
  const time = document.createElement("time");
  time.textContent = event.at.slice(11, 19);
  const kind = document.createElement("span");
  kind.className = "kind";
  kind.textContent = event.kind;
  let text = document.createTextNode(event.text);
  if (event.href) {
    const link = document.createElement("a");
    link.href = event.href;
    link.append(text);
    text = link;
  }
  item.append(time, " ", kind, " ", text);
  return item;
}

export function setUpEvents() {
  const list = document.getElementById("events");
  if (!list) return;
  const button = document.getElementById("pause");
  let waiting = [];
  let paused = false;
  let timer = null;

  function draw() {
    timer = null;
    if (paused) {
      button.textContent = waiting.length ? `Continue (${waiting.length} new)` : "Continue";
      return;
    }
    list.prepend(...waiting.slice(-SHOWN).reverse().map(line));
    waiting = [];
    while (list.children.length > SHOWN) list.lastElementChild.remove();
  }

  function later() {
    timer ??= setTimeout(draw, REDRAW_MS);
  }

  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "Continue" : "Pause";
    later();
  });
  const source = new EventSource(`${list.dataset.stream}?last_id=${encodeURIComponent(list.dataset.last)}`);
  source.addEventListener("message", (message) => {
    waiting.push(JSON.parse(message.data));
    waiting = waiting.slice(-1000);
    later();
  });
  source.addEventListener("resync", async () => {
    const response = await fetch(`${list.dataset.stream}/latest?limit=${SHOWN}`);
    if (response.ok) list.replaceChildren(...(await response.json()).map(line));
  });
}
