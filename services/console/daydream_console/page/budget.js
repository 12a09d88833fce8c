// The section "Money": limits, spend, changes and alerts.

import { get, post } from "./api.js";
import { byId, element, fillFigures, fillTable, localTime, note, showStatus, usd } from "./dom.js";

const PARTS = [
  ["spent", "settled_nanousd"],
  ["authorized", "authorized_nanousd"],
  ["reserved", "reserved_nanousd"],
];
let alerts = [];

export const token = () => byId("limit").token.value;

// The token comes behind # in the URL that `daydream up` prints. No server sees it there. It is
// stored until the tab is closed.
export function loadToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem("token", given);
    history.replaceState(null, "", location.pathname);
  }
  byId("limit").token.value = sessionStorage.getItem("token") ?? "";
}

function limitBar(limit) {
  const bar = element("div", { className: "bar", title: "spent, authorized, reserved, free" });
  for (const [name, field] of PARTS) {
    const piece = element("i", { className: name });
    const percent = (100 * limit[field]) / Math.max(1, limit.cap_nanousd);
    piece.style.width = `${Math.min(100, percent)}%`;
    bar.append(piece);
  }
  return bar;
}

function showLimit(limit) {
  const amounts = PARTS.map(([name, field]) => [name, limit[field]]);
  const used = amounts.reduce((sum, [, amount]) => sum + amount, 0);
  amounts.push(["free", Math.max(0, limit.cap_nanousd - used)]);
  const scope = limit.scope === "all" ? "" : `${limit.scope}, `;
  const warns = limit.hard ? "" : " (warns)";
  const parts = amounts.map(([name, amount]) => `${usd(amount)} ${name}`).join(", ");
  const renews = limit.renews_at ? `. Renews ${localTime(limit.renews_at)}` : "";
  const reached = limit.reached_at ? `. Reached ${localTime(limit.reached_at)} at this rate` : "";
  const cap = `${scope}${limit.window}${warns}: cap ${usd(limit.cap_nanousd)}`;
  const text = `${cap} (${parts})${renews}${reached}`;
  return element("div", { className: "limit" }, text, limitBar(limit));
}

function statusText({ paused, burn_nanousd_per_h: burn, tax }) {
  const sentences = [];
  if (paused) sentences.push("Paused: no paid call is granted.");
  if (burn) sentences.push(`Burn rate: ${usd(burn)} per hour.`);
  if (tax?.ratio == null) {
    sentences.push("Tax: no foreground spend reported.");
  } else {
    const cap = tax.ratio_cap == null ? "" : `, cap ${tax.ratio_cap}`;
    sentences.push(`Tax over ${tax.days} days: ${tax.ratio.toFixed(2)}${cap}.`);
  }
  return sentences.join(" ");
}

export function showBudget(budget, memory) {
  const limits = budget.limits.map(showLimit);
  const empty = note("No cap is set, so only free models may be called.");
  byId("limits").replaceChildren(...(limits.length ? limits : [empty]));
  showStatus(byId("budget-status"), statusText(budget), budget.paused);
  byId("stop").textContent = budget.paused ? "Resume spending" : "Pause spending";
  byId("stop").dataset.paused = budget.paused;
  showRecords(budget.changes);
  const spent = budget.settled_nanousd;
  const ended = budget.reservations_released;
  const insights = memory?.insights;
  fillFigures(byId("money"), [
    ["spent", usd(spent)],
    ["per daydream", ended ? usd(spent / ended) : "–"],
    ["per insight", insights ? usd(spent / insights) : "–"],
    ["reservations", budget.reservations_open],
    ["overruns", budget.overruns],
  ]);
  const rows = budget.spend.map((row) => [
    row.stage,
    row.model,
    row.calls,
    `${row.input_tokens} / ${row.output_tokens}`,
    usd(row.settled_nanousd),
  ]);
  fillTable("spend", rows);
}

function showRecords(changes) {
  const records = [
    ...changes.map((change) => {
      const why = change.why ? ` (${change.why})` : "";
      return { at: change.at, kind: "change", text: `${change.who}: ${change.text}${why}` };
    }),
    ...alerts.map((alert) => ({ at: alert.raised_at, kind: "alert", text: alert.text })),
  ];
  records.sort((first, second) => second.at.localeCompare(first.at));
  const lines = records.map(({ at, kind, text }) => {
    const label = element("span", { className: `kind ${kind}`, textContent: kind });
    return element("li", {}, label, ` ${localTime(at)} ${text}`);
  });
  byId("changes").replaceChildren(...lines);
}

export async function readAlerts() {
  alerts = (await get("/api/alerts")).alerts;
}

async function send(change, refresh) {
  const form = byId("limit");
  const status = byId("changed");
  if (!form.reportValidity()) return;
  sessionStorage.setItem("token", token());
  showStatus(status, "…");
  try {
    await post("/api/budget", token(), { change, who: form.who.value, why: form.why.value });
    showStatus(status, "Done.");
    refresh();
  } catch (error) {
    showStatus(status, error.message, true);
  }
}

export function listenForChanges(refresh) {
  byId("limit").onsubmit = (event) => {
    event.preventDefault();
    const { scope, window, dollars } = event.target;
    const target = { scope: scope.value, window: window.value };
    const cap = Math.round(dollars.value * 1e9);
    const remove = dollars.value === "";
    send(
      remove ? { kind: "remove", ...target } : { kind: "limit", ...target, cap_nanousd: cap },
      refresh,
    );
  };
  byId("stop").onclick = () => {
    const paused = byId("stop").dataset.paused !== "true";
    send({ kind: "pause", paused }, refresh);
  };
}
