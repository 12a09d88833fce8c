"""The story of one daydream in order: its events, its calls, and every ledger entry about it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from nats.js import JetStreamContext

from daydream_console.reviews import describe_review
from daydream_console.stream_backlog import read_since
from daydream_contracts.rpc import InsightDetail

LEDGER = "LEDGER"
COMMITS_MAX = 100_000
MARGIN = timedelta(minutes=5)  # a reservation is released soon after the verdict


@dataclass(frozen=True)
class TraceStep:
    """One thing that happened. `cost_nanousd`: what it cost, for settled calls only."""

    at: datetime
    stage: str
    text: str
    cost_nanousd: int | None = None


async def trace_of(js: JetStreamContext, detail: InsightDetail) -> list[TraceStep]:
    """Return the steps, oldest first."""
    steps = list(_events(detail))
    pair, verdict = detail.verdict.hypothesis.pair, detail.verdict
    if pair.reservation_id:
        commits = _commits(js, pair.drawn_at - MARGIN, verdict.reached_at + MARGIN)
        steps += [step async for step in _money(commits, pair.reservation_id)]
    return sorted(steps, key=lambda step: step.at)


def _events(detail: InsightDetail) -> Iterator[TraceStep]:
    hypothesis, verdict = detail.verdict.hypothesis, detail.verdict
    pair = hypothesis.pair
    titles = " × ".join(fact.title or fact.fact_id for fact in (pair.first, pair.second))
    drawn = f"pair drawn by {pair.strategy}, probability {pair.draw_probability:.3g}: {titles}"
    yield TraceStep(pair.drawn_at, "sampler", drawn)
    title = detail.summary.title or hypothesis.abstention or "no readable hypothesis"
    yield TraceStep(hypothesis.proposed_at, "synthesizer", f"hypothesis: {title}")
    score = f", mean score {verdict.score:.1f}" if verdict.score is not None else ""
    decided = f"{verdict.decision.value} ({verdict.reason}){score}: {verdict.explanation}"
    yield TraceStep(verdict.reached_at, verdict.role, decided)
    for review in detail.reviews:
        text = f"{review.who} {describe_review(review)} {review.note}"
        yield TraceStep(review.recorded_at, "review", text)
    for outcome in detail.outcomes:
        text = f"{outcome.result.value} by {outcome.who} {outcome.note}"
        yield TraceStep(outcome.recorded_at, "outcome", text)
    for change in detail.visibility:
        action = "reinstated" if change.active else "retracted"
        yield TraceStep(change.at, "visibility", f"{action} by {change.who} {change.why}")


async def _commits(
    js: JetStreamContext, start: datetime, end: datetime
) -> AsyncIterator[dict[str, Any]]:
    """Yield the ledger's commits between these times. The ledger's own readers check them."""
    async for message in read_since(js, LEDGER, start, COMMITS_MAX):
        commit: dict[str, Any] = json.loads(message.data)
        if datetime.fromisoformat(commit["at"]) > end:
            return
        yield commit


async def _money(
    commits: AsyncIterator[dict[str, Any]], reservation_id: str
) -> AsyncIterator[TraceStep]:
    attempts: dict[str, str] = {}
    async for commit in commits:
        at = datetime.fromisoformat(commit["at"])
        for entry in commit["entries"]:
            if entry.get("reservation_id") != reservation_id and (
                entry.get("attempt_id") not in attempts
            ):
                continue
            if entry["kind"] == "attempt-authorized":
                attempts[entry["attempt_id"]] = f"{entry['stage']} call to {entry['model']}"
            if step := _ledger_step(at, entry, attempts):
                yield step


def _ledger_step(at: datetime, entry: dict[str, Any], attempts: dict[str, str]) -> TraceStep | None:
    call = attempts.get(entry.get("attempt_id", ""), "")
    match entry["kind"]:
        case "reservation-opened":
            return TraceStep(at, "ledger", f"reserved {_usd(sum(entry['held']))}")
        case "attempt-authorized":
            bound = _usd(entry["upper_bound_nanousd"])
            return TraceStep(at, "ledger", f"authorized up to {bound}: {call}")
        case "attempt-settled":
            tokens = f", {entry.get('input_tokens')} + {entry.get('output_tokens')} tokens"
            unknown = ", cost unknown, so its upper bound counts" if entry["unknown"] else tokens
            return TraceStep(at, "ledger", f"settled: {call}{unknown}", entry["cost_nanousd"])
        case "branch-released":
            return TraceStep(at, "ledger", "released the reservation")
        case "reservation-expired":
            return TraceStep(at, "ledger", "the reservation expired")
    return None


def _usd(nanousd: int) -> str:
    return f"${nanousd / 1e9:.6f}"
