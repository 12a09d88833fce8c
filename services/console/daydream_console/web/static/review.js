// Accept, reject and undo by button and by key.
import { send, toast } from "/static/api.js";

let last = null;

async function review(id, accepted, note) {
  const answer = await send("POST", `/api/v1/insights/${id}/reviews`, { accepted, note });
  if (!answer) return null;
  last = { id, review: answer.review_id };
  const others = answer.descendants ? ` with ${answer.descendants} that ${answer.descendants === 1 ? "descends" : "descend"} from it` : "";
  const what = accepted ? "Accepted" : answer.retracted ? `Rejected and retracted${others}: not drawn any more` : "Rejected";
  toast(`${what}.`, false, { label: "Undo (u)", run: undo });
  document.querySelectorAll("[data-undo]").forEach((button) => { button.disabled = false; });
  return answer;
}

async function undo() {
  if (!last) return;
  const { id, review: reviewId } = last;
  last = null;
  const answer = await send("POST", `/api/v1/insights/${id}/reviews/undo`, { review_id: reviewId });
  if (!answer) return;
  toast(answer.reinstated ? "Undone: it is in use again." : answer.retracted ? "Undone: it is hidden again." : "Undone.");
  const card = document.querySelector(`[data-insight="${CSS.escape(id)}"] .state`);
  if (card) card.textContent = "undone";
  refresh();
  document.getElementById("revealed")?.setAttribute("hidden", "");
  document.querySelectorAll("[data-undo]").forEach((button) => { button.disabled = true; });
}

// Show again what the page of an insight says of its use and its reviews.
async function refresh() {
  if (!document.querySelector("article.full")) return;
  const response = await fetch(location.href);
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of ["#use", "#opinions", "article .state"]) {
    const now = fresh.querySelector(part);
    if (now) document.querySelector(part)?.replaceWith(document.adoptNode(now));
  }
}

function cards() {
  return [...document.querySelectorAll("[data-insight]")];
}

function current() {
  const all = cards();
  return all.find((card) => card.contains(document.activeElement)) ?? (all.length === 1 ? all[0] : null);
}

function move(step) {
  const all = cards();
  if (!all.length) return;
  const place = all.indexOf(current());
  const next = all[Math.min(all.length - 1, Math.max(0, place + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

async function decide(card, accepted) {
  if (!card) return;
  const note = document.getElementById("note")?.value ?? "";
  const answer = await review(card.dataset.insight, accepted, note);
  if (!answer) return;
  const revealed = document.getElementById("revealed");
  if (revealed) {
    revealed.hidden = false;
    const promoted = revealed.querySelector("strong").textContent === "promoted";
    const agreed = promoted === accepted ? "You agree with the models." : "You disagree with the models.";
    revealed.querySelector(".agreement").textContent = agreed;
    revealed.querySelector("[data-continue]").focus();
  } else {
    card.querySelector(".state").textContent = accepted ? "accepted" : "rejected";
    refresh();
    move(1);
  }
}

function onKey(event) {
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "Escape" && typing) typing.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const actions = {
    j: () => (document.querySelector("#review") ? document.querySelector("[data-skip]").click() : move(1)),
    k: () => (document.querySelector("#review") ? document.querySelector("[data-previous]")?.click() : move(-1)),
    a: () => decide(current(), true),
    r: () => decide(current(), false),
    o: () => current()?.querySelector("h2 a")?.click(),
    e: () => document.getElementById("note")?.focus(),
    s: () => document.querySelector("[data-skip]")?.click(),
    u: undo,
    "?": () => document.getElementById("keys")?.showModal(),
  };
  if (actions[event.key]) {
    event.preventDefault();
    actions[event.key]();
  }
}

async function lock(card) {
  window.addEventListener("pagehide", () => fetch(`/api/v1/insights/${card.dataset.insight}/lock`, { method: "DELETE", keepalive: true }));
  const answer = await send("PUT", `/api/v1/insights/${card.dataset.insight}/lock`);
  if (answer && !answer.mine) {
    document.getElementById("lock").textContent = `${answer.who} is reviewing this now. Skip it, or wait ten minutes.`;
  }
}

export function setUpReview() {
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-review]");
    if (button) decide(button.closest("[data-insight]"), button.dataset.review === "accept");
    if (event.target.closest("[data-undo]")) undo();
  });
  const card = document.querySelector("[data-lock]");
  if (card) {
    lock(card);
    card.focus();
  }
}
