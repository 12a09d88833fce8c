// The section "Judge quality".

import { get } from "./api.js";
import { alarm, byId, fillTable, note, usd } from "./dom.js";

const percent = (value) => Math.round(100 * value);

function shareText({ hits, count, low, high }) {
  return count ? `${hits} of ${count} (${percent(low)} to ${percent(high)} %)` : "none yet";
}

const canaryText = (title, bridges, decoys) =>
  `${title}: bridges (should pass) ${shareText(bridges)}, ` +
  `decoys (should not) ${shareText(decoys)}.`;

function judgeRow(judge) {
  return [
    judge.name,
    judge.family,
    judge.answers,
    usd(judge.nanousd_per_answer),
    judge.separation.toFixed(2) + (judge.measured ? "" : " (assumed)"),
    judge.comparisons ? judge.position_bias.toFixed(2) : "",
  ];
}

function gateText({ judged, nanousd_per_verdict: cost, stopped, saved_nanousd: saved }) {
  const gates = Object.entries(stopped).map(
    ([reason, count]) => `${count} as ${reason} (saved ${usd(saved[reason] ?? 0)})`,
  );
  return `Judged: ${judged}, ${usd(cost)} each. Stopped by gates: ${gates.join(", ") || "none"}.`;
}

function showCritic(state) {
  fillTable("judges", state.judges.map(judgeRow));
  const lines = [note(canaryText("Canaries promoted", state.bridges, state.decoys))];
  lines.push(...state.drift.map((text) => alarm(`Drift: ${text}`)));
  const examined = Object.entries(state.examined).map(([outcome, count]) => `${count} ${outcome}`);
  if (examined.length) lines.push(note(`The oracle examined: ${examined.join(", ")}.`));
  const { oracle_bridges: bridges, oracle_decoys: decoys } = state;
  if (bridges?.count || decoys?.count) {
    lines.push(note(canaryText("Canaries that passed the oracle", bridges, decoys)));
  }
  lines.push(note(gateText(state)));
  byId("canaries").replaceChildren(...lines);
}

export async function readCritic() {
  if (!byId("critic").open) return;
  try {
    showCritic(await get("/api/critic"));
  } catch (error) {
    byId("canaries").replaceChildren(alarm(error.message));
  }
}
