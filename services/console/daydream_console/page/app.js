// The console's page: read /api, show it, and follow the live events.

import { get } from "./api.js";
import { listenForChanges, loadToken, readAlerts, showBudget } from "./budget.js";
import { readCritic } from "./critic.js";
import { byId, element, showStatus } from "./dom.js";
import { showOverview } from "./overview.js";
import { mayRefresh, search, selectList, showList } from "./verdicts.js";

const REFRESH_MS = 1500;
const EVENTS_SHOWN = 100;
let paused = false;
let stale = false;

const showProblem = (error) =>
  showStatus(byId("phase"), `The console does not answer: ${error.message}`, true);

const attempt = (work) => work.catch(showProblem);

async function readState() {
  const state = await get("/api/state");
  showOverview(state);
  if (state.budget) showBudget(state.budget, state.memory);
}

const refresh = () => attempt(readState());

function showEvent(event) {
  const score = event.score == null ? "" : ` (${event.score.toFixed(1)})`;
  const kind = element("span", { className: `kind ${event.kind}`, textContent: event.kind });
  byId("live").prepend(element("li", {}, kind, ` ${event.text}${score}`));
  while (byId("live").children.length > EVENTS_SHOWN) byId("live").lastChild.remove();
}

function followEvents() {
  new EventSource("/api/events").onmessage = (message) => {
    const event = JSON.parse(message.data);
    stale = true;
    if (event.kind === "alert") attempt(readAlerts());
    if (!paused) showEvent(event);
  };
}

function refreshRegularly() {
  setInterval(() => {
    if (document.hidden) return;
    refresh();
    readCritic();
    if (stale && !paused && mayRefresh()) {
      stale = false;
      attempt(showList(true));
    }
  }, REFRESH_MS);
}

function listenForClicks() {
  byId("pause").onclick = () => {
    paused = !paused;
    byId("pause").textContent = paused ? "Resume" : "Pause";
  };
  byId("more").onclick = () => attempt(showList(false));
  byId("critic").ontoggle = readCritic;
  byId("search").onsubmit = (event) => {
    event.preventDefault();
    attempt(search(new FormData(event.target).get("text").trim()));
  };
  for (const tab of document.querySelectorAll("[data-list]")) {
    tab.onclick = () => attempt(selectList(tab.dataset.list));
  }
}

loadToken();
listenForChanges(refresh);
listenForClicks();
followEvents();
refreshRegularly();
attempt(readAlerts()).then(refresh);
attempt(showList(true));
