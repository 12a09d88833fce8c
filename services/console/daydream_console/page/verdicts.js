// The section "Found": insights, verdicts, reviews, and search results.

import { get, post } from "./api.js";
import { token } from "./budget.js";
import { byId, element, note, showStatus, usd } from "./dom.js";

const PAGE = 20;
const EMPTY = {
  insights: "No insight has been promoted yet.",
  "pending-reviews": "Nothing is waiting for review.",
  verdicts: "No verdict has been reached yet.",
};
const OUTCOMES = new Map([
  [true, "could not refute it"],
  [false, "refuted it"],
  [null, "gave an unreadable answer"],
]);
let list = "insights";
let offset = 0;

const joined = (parts) => parts.filter(Boolean).join(" · ");

function showFact(fact) {
  const depth = fact.depth ? `depth ${fact.depth}` : "";
  const source = joined([fact.title, fact.source, depth]);
  return element("blockquote", {}, fact.text, note(source));
}

function judgementText({ judge, self_judged: sameFamily, scores, justification }) {
  const family = sameFamily ? " (of the writer's family)" : "";
  const values = scores
    ? `novelty ${scores.novelty}, coherence ${scores.coherence}, usefulness ${scores.usefulness}`
    : "no scores";
  return `${judge}${family}: ${values}. ${justification}`;
}

function sumText(aggregation, comparisons) {
  const won = comparisons.filter((comparison) => comparison.won).length;
  const rating =
    aggregation.rating == null
      ? ""
      : `, ${aggregation.rating.toFixed(2)} after ${comparisons.length} comparisons (${won} won)`;
  const threshold = aggregation.threshold.toFixed(2);
  return `log-odds ${aggregation.log_odds.toFixed(2)}${rating}; promotion threshold ${threshold}`;
}

function attemptText({ model, holds, same_as: match, case: reason }) {
  let outcome = OUTCOMES.get(holds);
  if (match?.kind === "alone") outcome = "found that one fact alone suggests it";
  else if (match) outcome = `found that it is already known (${match.kind})`;
  return `The oracle, ${model}, ${outcome}: ${reason}`;
}

function showJudging({ judgements, aggregation, comparisons, examination, calls }) {
  if (!judgements.length) return null;
  const lines = judgements.map(judgementText);
  if (aggregation?.log_odds != null) lines.push(sumText(aggregation, comparisons));
  lines.push(...(examination?.attempts ?? []).map(attemptText));
  lines.push(...(examination?.missing ?? []).map((text) => `Not checked: ${text}`));
  lines.push(`Calls by the critic: ${calls.length}`);
  const summary = element("summary", { textContent: "How it was judged" });
  return element("details", {}, summary, ...lines.map(note));
}

function reviewText({ who, accepted, note: reason }) {
  return `${who} ${accepted ? "accepted" : "rejected"} it${reason ? `: ${reason}` : ""}`;
}

function reviewResult(verdict, accepted, pending) {
  if (accepted) return "Accepted: it becomes a fact.";
  if (pending || verdict.decision !== "promoted") return "Rejected.";
  return `Rejected. It stays in use until you retract it: daydream retract ${verdict.verdict_id}`;
}

// A review is stored beside the models' decision, and overrides it.
function showReview(verdict, page) {
  if (!verdict.hypothesis.synthesis || !verdict.final) return null;
  const pending = page.pending_review.includes(verdict.verdict_id);
  const who = element("input", {
    name: "who",
    placeholder: "your name",
    required: true,
    maxLength: 200,
    value: sessionStorage.getItem("who") ?? "",
  });
  const why = element("input", { name: "note", placeholder: "why", maxLength: 2000 });
  who.setAttribute("aria-label", "Your name");
  why.setAttribute("aria-label", "Why");
  const status = element("span", { role: "status" });
  const review = async (accepted) => {
    if (!who.reportValidity()) return;
    sessionStorage.setItem("who", who.value);
    const { verdict_id } = verdict;
    const body = { verdict_id, accepted, who: who.value, note: why.value };
    try {
      await post("/api/reviews", token(), body);
      showStatus(status, reviewResult(verdict, accepted, pending));
    } catch (error) {
      showStatus(status, error.message, true);
    }
  };
  const button = (textContent, accepted) =>
    element("button", { type: "button", textContent, onclick: () => review(accepted) });
  const controls = [who, why, button("Accept", true), button("Reject", false), status];
  const earlier = page.reviews.filter((each) => each.verdict_id === verdict.verdict_id);
  const title = pending ? "Waiting for review" : "Your review";
  return element(
    "div",
    {},
    ...earlier.map((each) => note(reviewText(each))),
    element(
      "details",
      { open: pending, className: "review" },
      element("summary", { textContent: title }),
      element("p", {}, ...controls.flatMap((control) => [control, " "])),
    ),
  );
}

function scoreText({ score, spread }) {
  if (score == null) return "no scores";
  return `mean score ${score.toFixed(1)}${spread == null ? "" : ` ± ${spread.toFixed(1)}`}`;
}

function factsOf(...facts) {
  return element("div", { className: "facts" }, ...facts.map(showFact));
}

function showVerdict(verdict, page) {
  const { hypothesis } = verdict;
  const { synthesis, pair } = hypothesis;
  const retracted = page.retracted.includes(verdict.verdict_id) ? " retracted" : "";
  const decision = element("span", {
    className: `kind ${verdict.decision}`,
    textContent: verdict.decision + retracted,
  });
  const models = new Set([...hypothesis.calls, ...verdict.calls].map((call) => call.model));
  const details = [
    scoreText(verdict),
    verdict.explanation,
    usd(verdict.cost_nanousd),
    [...models].join(", ") || "no model",
    `draw probability ${pair.draw_probability.toPrecision(2)}`,
  ];
  return element(
    "article",
    {},
    element("h3", {}, synthesis ? synthesis.title : "(no link)", " ", decision),
    synthesis ? element("p", { textContent: synthesis.hypothesis }) : null,
    synthesis ? note(`To test: ${synthesis.implication}`) : null,
    synthesis?.if_false ? note(`If it were false: ${synthesis.if_false}`) : null,
    factsOf(pair.first, pair.second),
    note(joined(details)),
    showJudging(verdict),
    showReview(verdict, page),
  );
}

function showHit({ fact, similarity, ancestry }) {
  const title = `${fact.title || fact.source} (${similarity.toFixed(2)})`;
  return element(
    "article",
    {},
    element("h3", { textContent: title }),
    element("p", { textContent: fact.text }),
    ancestry.length ? factsOf(...ancestry) : null,
  );
}

export async function showList(fromStart) {
  if (fromStart) offset = 0;
  const page = await get(`/api/${list}?limit=${PAGE}&offset=${offset}`);
  const shown = page.verdicts.map((verdict) => showVerdict(verdict, page));
  const content = shown.length ? shown : [note(EMPTY[list])];
  if (fromStart) byId("found").replaceChildren(...content);
  else byId("found").append(...shown);
  offset += shown.length;
  byId("more").hidden = offset >= page.total;
}

export function selectList(name) {
  list = name;
  for (const tab of document.querySelectorAll("[data-list]")) {
    tab.setAttribute("aria-pressed", String(tab.dataset.list === name));
  }
  return showList(true);
}

export async function search(text) {
  if (!text) return showList(true);
  const results = await get(`/api/search?text=${encodeURIComponent(text)}`);
  byId("found").replaceChildren(...results.hits.map(showHit));
  byId("more").hidden = true;
}

// Do not replace the list while somebody reads how something was judged, or writes a review.
export function mayRefresh() {
  const found = byId("found");
  const reading = found.querySelector("details[open]:not(.review)");
  const focused = found.contains(document.activeElement);
  const writing = [...found.querySelectorAll("[name=note]")].some((input) => input.value);
  const searching = byId("search").text.value;
  return offset <= PAGE && !reading && !focused && !writing && !searching;
}
