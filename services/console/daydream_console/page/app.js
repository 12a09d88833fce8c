// The console's page: reads /api and shows it. Texts are set as text, never as markup.
const at = (id) => document.getElementById(id);
const usd = (nano) => { const v = nano / 1e9; return "$" + (v === 0 ? "0" : v < 0.01 ? v.toPrecision(2) : v.toFixed(2)); };
const el = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
};
const get = async (path) => {
  const reply = await fetch(path);
  const body = await reply.json();
  if (!reply.ok) throw new Error(body.error);
  return body;
};

const figures = (target, rows) =>
  target.replaceChildren(...rows.map(([name, value]) => el("div", {}, el("dt", { textContent: name }), el("dd", { textContent: value }))));
const table = (id, rows) =>
  at(id).tBodies[0].replaceChildren(...rows.map((row) => el("tr", {}, ...row.map((cell) => el("td", { className: typeof cell === "number" || /^[$\d]/.test(cell) ? "n" : "", textContent: cell })))));

const taken = (name) => ({ hypothesis: "hypotheses", foreground: "usage reports" })[name] ?? `${name}s`;

function showLimit(limit) {
  const share = (value) => `${Math.min(100, (100 * value) / Math.max(1, limit.cap_nanousd))}%`;
  const bar = el("div", { className: "bar", title: "settled, drawn, open" });
  for (const part of ["settled", "drawn", "open"]) { const piece = el("i", { className: part }); piece.style.width = share(limit[`${part}_nanousd`]); bar.append(piece); }
  const used = limit.settled_nanousd + limit.authorized_nanousd + limit.reserved_nanousd;
  const renews = limit.renews_at ? `, renews ${new Date(limit.renews_at).toLocaleString()}` : "";
  const reached = limit.reached_at ? `; at this rate reached ${new Date(limit.reached_at).toLocaleString()}` : "";
  return el("div", { className: "limit" }, `${limit.scope === "all" ? "" : `${limit.scope}, `}${limit.window}${limit.hard ? "" : " (warns)"}: ${usd(limit.settled_nanousd)} spent, ${usd(used - limit.settled_nanousd)} reserved of ${usd(limit.cap_nanousd)}${renews}${reached}`, bar);
}

function showState(state) {
  const { memory, sampler, budget } = state;
  const missing = [["memory", memory], ["sampler", sampler], ["budget", budget]].filter(([, part]) => !part).map(([name]) => name);
  at("phase").className = missing.length || sampler?.phase === "refused" || state.dead_letters ? "alarm" : "";
  at("phase").textContent = missing.length ? `no answer from ${missing.join(", ")}`
    : `${sampler.phase.replaceAll("-", " ")}${sampler.text ? `: ${sampler.text}` : ""}${sampler.retry_at ? ` (until ${new Date(sampler.retry_at).toLocaleString()})` : ""}${state.dead_letters ? `; ${state.dead_letters} dead letters` : ""}`;
  if (memory) figures(at("figures"), [["facts", memory.facts], ["being embedded", memory.facts_pending], ["pairs drawn", sampler?.drawn ?? "?"],
    ["pairs left", sampler?.pairs_left ?? "?"], ["verdicts", memory.verdicts], ["judged by a model", memory.daydreams_judged], ["insights", memory.insights], ["dead letters", state.dead_letters]]);
  table("stages", state.stages.map((stage) => [stage.service, taken(stage.subject.split(".")[1]), stage.pending, stage.in_progress, stage.redelivered]));
  if (!budget) return;
  at("limits").replaceChildren(...(budget.limits.length ? budget.limits.map(showLimit) : [el("p", { className: "soft", textContent: "No cap is set: only free models may be called." })]));
  const { tax } = budget, ended = budget.reservations_released;
  at("standing").className = budget.paused ? "alarm" : "soft";
  at("standing").textContent = [budget.paused ? "Paused: nothing that costs is granted." : "", budget.burn_nanousd_per_h ? `Burning ${usd(budget.burn_nanousd_per_h)} an hour.` : "",
    tax?.ratio == null ? "Tax: no foreground spend is reported." : `Tax over ${tax.days} days: ${tax.ratio.toFixed(2)}${tax.ratio_cap == null ? "" : `, at most ${tax.ratio_cap}`}.`].filter(Boolean).join(" ");
  at("stop").textContent = budget.paused ? "Resume spending" : "Pause spending";
  at("stop").dataset.paused = budget.paused;
  showRecords(budget.changes);
  figures(at("money"), [["spent", usd(budget.settled_nanousd)], ["per daydream", ended ? usd(budget.settled_nanousd / ended) : "–"],
    ["per insight", memory?.insights ? usd(budget.settled_nanousd / memory.insights) : "–"], ["open reservations", budget.reservations_open], ["bills above bound", budget.overruns]]);
  table("spend", budget.spend.map((row) => [row.stage, row.model, row.calls, `${row.input_tokens} / ${row.output_tokens}`, usd(row.settled_nanousd)]));
}

let raised = [];
function showRecords(changes) {
  const records = [...changes.map((one) => [one.at, "change", `${one.who}: ${one.text}${one.why ? ` (${one.why})` : ""}`]), ...raised.map((one) => [one.raised_at, "alert", one.text])];
  at("changes").replaceChildren(...records.sort((a, b) => b[0].localeCompare(a[0])).map(([when, kind, text]) =>
    el("li", {}, el("span", { className: `kind ${kind}`, textContent: kind }), ` ${new Date(when).toLocaleString()} ${text}`)));
}

// The token comes behind # in the address that `daydream up` prints, where no server sees it, and lives as long as the tab.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) { sessionStorage.setItem("token", given); history.replaceState(null, "", location.pathname); }
at("limit").token.value = sessionStorage.getItem("token") ?? "";
async function change(what) {
  const form = at("limit"), said = at("changed");
  if (!form.reportValidity()) return;
  sessionStorage.setItem("token", form.token.value);
  said.className = "soft"; said.textContent = "…";
  try {
    const reply = await fetch("/api/budget", { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${form.token.value}` },
      body: JSON.stringify({ what, who: form.who.value, why: form.why.value }) });
    const body = await reply.json();
    if (!reply.ok) throw new Error(body.error);
    said.textContent = "Done.";
    refresh();
  } catch (error) { said.className = "alarm"; said.textContent = error.message; }
}
at("limit").onsubmit = (event) => {
  event.preventDefault();
  const { scope, window, dollars } = event.target;
  const where = { scope: scope.value, window: window.value };
  change(dollars.value === "" ? { kind: "remove", ...where } : { kind: "limit", ...where, cap_nanousd: Math.round(dollars.value * 1e9) });
};
at("stop").onclick = () => change({ kind: "pause", paused: at("stop").dataset.paused !== "true" });
const readAlerts = () => get("/api/alerts").then((page) => { raised = page.alerts; }).catch(problem);

const fact = (one) => el("blockquote", {}, one.text, el("div", { className: "soft", textContent: [one.title, one.source, one.depth ? `depth ${one.depth}` : ""].filter(Boolean).join(" · ") }));
const soft = (textContent) => el("p", { className: "soft", textContent });
const scoresOf = ({ scores }) => scores ? `novelty ${scores.novelty}, coherence ${scores.coherence}, usefulness ${scores.usefulness}` : "no scores";
const OUTCOMES = new Map([[true, "could not refute it"], [false, "refuted it"], [null, "gave no answer that can be read"]]);
function howItWasJudged({ judgements, aggregation, comparisons, examination, calls }) {
  if (!judgements.length) return null;
  const sums = aggregation?.log_odds == null ? [] : [`log-odds ${aggregation.log_odds.toFixed(2)}${aggregation.rating == null ? "" : `, ${aggregation.rating.toFixed(2)} after ${comparisons.length} comparisons (${comparisons.filter((one) => one.won).length} won)`}; the line is at ${aggregation.threshold.toFixed(2)}`];
  return el("details", {}, el("summary", { textContent: "How it was judged" }),
    ...judgements.map((one) => soft(`${one.judge}${one.self_judged ? " (of the writer's family)" : ""}: ${scoresOf(one)}. ${one.justification}`)), ...sums.map(soft),
    ...(examination?.attempts ?? []).map((one) => soft(`The oracle, ${one.model}, ${!one.same_as ? OUTCOMES.get(one.holds) : one.same_as.what === "alone" ? "found that one fact alone suggests it" : `found it said already (${one.same_as.what})`}: ${one.case}`)),
    ...(examination?.missing ?? []).map((text) => soft(`Not asked: ${text}`)), soft(`${calls.length} calls by the critic`));
}
// A person's word: what the models said stays on record beside it.
function yourWord(verdict, page) {
  if (!verdict.hypothesis.synthesis || !verdict.final) return null;
  const who = el("input", { name: "who", placeholder: "your name", required: true, maxLength: 200, value: sessionStorage.getItem("who") ?? "" });
  const note = el("input", { name: "note", placeholder: "why", maxLength: 2000 }), said = el("span", { role: "status" });
  who.setAttribute("aria-label", "Your name"); note.setAttribute("aria-label", "Why");
  const open = page.pending_review.includes(verdict.verdict_id);
  const say = (accepted) => async () => {
    if (!who.reportValidity()) return;
    sessionStorage.setItem("who", who.value);
    try {
      const reply = await fetch("/api/reviews", { method: "POST", headers: { "content-type": "application/json", authorization: `Bearer ${at("limit").token.value}` },
        body: JSON.stringify({ verdict_id: verdict.verdict_id, accepted, who: who.value, note: note.value }) });
      const body = await reply.json();
      if (!reply.ok) throw new Error(body.error);
      said.className = "soft"; said.textContent = accepted ? "Accepted: it becomes a fact." : open || verdict.decision !== "promoted" ? "Rejected." : "Rejected. The fact that it has become is drawn until it is withdrawn: daydream retract.";
    } catch (error) { said.className = "alarm"; said.textContent = error.message; }
  };
  const earlier = page.reviews.filter((one) => one.verdict_id === verdict.verdict_id).map((one) => soft(`${one.who} ${one.accepted ? "accepted" : "rejected"} it${one.note ? `: ${one.note}` : ""}`));
  return el("div", {}, ...earlier, el("details", { open, className: "word" }, el("summary", { textContent: open ? "It waits for a person's word" : "Your word" }),
    el("p", {}, who, " ", note, " ", el("button", { type: "button", textContent: "Accept", onclick: say(true) }), " ", el("button", { type: "button", textContent: "Reject", onclick: say(false) }), " ", said)));
}
function showVerdict(verdict, page) {
  const { hypothesis } = verdict, found = hypothesis.synthesis;
  const scores = verdict.score == null ? "no scores" : `mean score ${verdict.score.toFixed(1)}${verdict.spread == null ? "" : ` ± ${verdict.spread.toFixed(1)}`}`;
  const retracted = page.retracted.includes(verdict.verdict_id) ? " retracted" : "";
  return el("article", {},
    el("h3", {}, found ? found.title : "(no link)", " ", el("span", { className: `kind ${verdict.decision}`, textContent: verdict.decision + retracted })),
    found ? el("p", { textContent: found.hypothesis }) : null,
    found ? el("p", { className: "soft", textContent: `To test: ${found.implication}` }) : null,
    found?.if_false ? el("p", { className: "soft", textContent: `If it were false: ${found.if_false}` }) : null,
    el("div", { className: "facts" }, fact(hypothesis.pair.first), fact(hypothesis.pair.second)),
    el("p", { className: "soft", textContent: `${scores} · ${verdict.explanation} · ${usd(verdict.cost_nanousd)} · ${[...hypothesis.calls, ...verdict.calls].map((call) => call.model).filter((name, i, all) => all.indexOf(name) === i).join(", ") || "no model"} · drawn with p = ${hypothesis.pair.draw_probability.toPrecision(2)}` }),
    howItWasJudged(verdict), yourWord(verdict, page));
}
const showHit = (hit) => el("article", {}, el("h3", { textContent: `${hit.fact.title || hit.fact.source} (${hit.similarity.toFixed(2)})` }), el("p", { textContent: hit.fact.text }),
  hit.ancestry.length ? el("div", { className: "facts" }, ...hit.ancestry.map(fact)) : null);

const EMPTY = { insights: "No insight has been promoted yet.", "pending-reviews": "Nothing waits for a person's word.", verdicts: "No verdict has been reached yet." };
let list = "insights", offset = 0;
async function showList(fresh) {
  if (fresh) offset = 0;
  const page = await get(`/api/${list}?limit=20&offset=${offset}`);
  const shown = page.verdicts.map((verdict) => showVerdict(verdict, page));
  const empty = el("p", { className: "soft", textContent: EMPTY[list] });
  if (fresh) at("found").replaceChildren(...(shown.length ? shown : [empty])); else at("found").append(...shown);
  offset += shown.length;
  at("more").hidden = offset >= page.total;
}

const said = ({ hits, count, low, high }) => count ? `${hits} of ${count} (${Math.round(100 * low)} to ${Math.round(100 * high)} %)` : "none yet";
function showCritic(state) {
  table("judges", state.judges.map((one) => [one.name, one.family, one.answers, usd(one.nanousd_per_answer), one.separation.toFixed(2) + (one.measured ? "" : " (guessed)"), one.comparisons ? one.position_bias.toFixed(2) : ""]));
  const examined = Object.entries(state.examined).map(([how, count]) => `${count} ${how}`).join(", ");
  at("planted").replaceChildren(soft(`Planted links that hold: ${said(state.bridges)} would be promoted. Planted ones that do not: ${said(state.decoys)}.`),
    ...state.drift.map((text) => el("p", { className: "alarm", textContent: `Drift: ${text}` })), ...(examined ? [soft(`The oracle examined: ${examined}.`)] : []),
    ...(state.oracle_bridges?.count || state.oracle_decoys?.count ? [soft(`Of planted ones that came to it, it let through ${said(state.oracle_bridges)} that hold and ${said(state.oracle_decoys)} that do not.`)] : []),
    soft(`${state.judged} judged at ${usd(state.nanousd_per_verdict)} each; gates stopped ${Object.entries(state.stopped).map(([reason, count]) => `${count} as ${reason} (saved ${usd(state.saved_nanousd[reason] ?? 0)})`).join(", ") || "none"}.`));
}
const readCritic = () => { if (at("critic").open) get("/api/critic").then(showCritic).catch((error) => at("planted").replaceChildren(el("p", { className: "alarm", textContent: error.message }))); };
at("critic").ontoggle = readCritic;

const problem = (error) => { at("phase").className = "alarm"; at("phase").textContent = `the console does not answer: ${error.message}`; };
const refresh = () => get("/api/state").then(showState).catch(problem);
let paused = false, stale = false;
at("pause").onclick = () => { paused = !paused; at("pause").textContent = paused ? "Go on" : "Pause"; };
at("more").onclick = () => showList(false).catch(problem);
for (const tab of document.querySelectorAll("[data-list]")) tab.onclick = () => {
  list = tab.dataset.list;
  for (const other of document.querySelectorAll("[data-list]")) other.setAttribute("aria-pressed", String(other === tab));
  showList(true).catch(problem);
};
at("search").onsubmit = async (event) => {
  event.preventDefault();
  const text = new FormData(event.target).get("text").trim();
  if (!text) return showList(true).catch(problem);
  try { at("found").replaceChildren(...(await get(`/api/search?text=${encodeURIComponent(text)}`)).hits.map(showHit)); at("more").hidden = true; } catch (error) { problem(error); }
};
new EventSource("/api/events").onmessage = (message) => {
  const event = JSON.parse(message.data);
  stale = true;
  if (event.kind === "alert") readAlerts();
  if (paused) return;
  const score = event.score == null ? "" : ` (${event.score.toFixed(1)})`;
  at("live").prepend(el("li", {}, el("span", { className: `kind ${event.kind}`, textContent: event.kind }), ` ${event.text}${score}`));
  while (at("live").children.length > 100) at("live").lastChild.remove();
};
// Whoever reads how something was judged, or is about to say a word, is not interrupted by a fresh list.
const inUse = () => at("found").querySelector("details[open]:not(.word)") || at("found").contains(document.activeElement) || [...at("found").querySelectorAll("[name=note]")].some((one) => one.value);
setInterval(() => { if (document.hidden) return; refresh(); readCritic(); if (stale && offset <= 20 && !paused && !at("search").text.value && !inUse()) { stale = false; showList(true).catch(problem); } }, 1500);
readAlerts().then(refresh);
showList(true).catch(problem);
