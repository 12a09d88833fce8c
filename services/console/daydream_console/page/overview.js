// The header and the section "The loop": what the system is doing.

import { byId, fillFigures, fillTable, localTime, showStatus } from "./dom.js";

const TAKES = {
  "hypothesis.proposed": "hypotheses",
  "visibility.changed": "visibility changes",
  "document.removed": "removed documents",
  "foreground.reported": "usage reports",
};

const STOPPED = ["refused", "model-stopped"]; // phases in which a person has to act

function waitingText({ gateway }) {
  const waiting = (gateway?.models ?? []).filter((model) => model.waiting_for);
  return waiting.map((model) => `; waiting for ${model.model}: ${model.waiting_for}`).join("");
}

function phaseText(state) {
  const { sampler, dead_letters: deadLetters } = state;
  const reason = sampler.text ? `: ${sampler.text}` : "";
  const until = sampler.retry_at ? ` (until ${localTime(sampler.retry_at)})` : "";
  const letters = deadLetters ? `; dead letters: ${deadLetters}` : "";
  return `${sampler.phase.replaceAll("-", " ")}${reason}${until}${waitingText(state)}${letters}`;
}

export function showOverview(state) {
  const { memory, sampler } = state;
  const silent = ["memory", "sampler", "budget"].filter((name) => !state[name]);
  if (silent.length) {
    showStatus(byId("phase"), `No answer from ${silent.join(", ")}`, true);
  } else {
    const stopped = STOPPED.includes(sampler.phase) || state.dead_letters > 0;
    const problem = stopped || waitingText(state);
    showStatus(byId("phase"), phaseText(state), problem);
  }
  if (memory) {
    fillFigures(byId("figures"), [
      ["facts", memory.facts],
      ["being embedded", memory.facts_pending],
      ["pairs drawn", sampler?.drawn ?? "?"],
      ["pairs left", sampler?.pairs_left ?? "?"],
      ["verdicts", memory.verdicts],
      ["judged by a model", memory.daydreams_judged],
      ["insights", memory.insights],
      ["dead letters", state.dead_letters],
    ]);
  }
  const rows = state.stages.map((stage) => {
    const [, name, event] = stage.subject.split(".");
    const takes = TAKES[`${name}.${event}`] ?? `${name}s`;
    return [stage.service, takes, stage.pending, stage.in_progress, stage.redelivered];
  });
  fillTable("stages", rows);
}
