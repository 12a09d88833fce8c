"""The record of a daydream without what was erased. The same in every store."""

from __future__ import annotations

from collections.abc import Set

from daydream_shared.messages import Fact, HypothesisProposed, ModelCall, Synthesis, VerdictReached

ERASED = "(erased)"
ERASED_NOTE = "erased by "  # a document with such a note is not wanted back


def without(verdict: VerdictReached, fact_ids: Set[str], *, derived: bool) -> VerdictReached:
    """The record without what these facts say."""
    proposed, pair = verdict.hypothesis, verdict.hypothesis.pair
    cleaned = {"first": _cleaned(pair.first, fact_ids), "second": _cleaned(pair.second, fact_ids)}
    concerned = bool(fact_ids & {pair.first.fact_id, pair.second.fact_id})
    more: dict[str, object] = {"pair": pair.model_copy(update=cleaned)}
    calls = verdict.calls
    if derived and concerned:
        more |= _nothing_said(proposed)
        calls = _with_answers(calls, ERASED)
    nearest = verdict.nearest
    if nearest is not None and nearest.id in fact_ids:
        nearest = nearest.model_copy(update={"text": ERASED})
    judgements = tuple(one.model_copy(update={"justification": ERASED}) if derived and concerned else one for one in verdict.judgements)
    return verdict.model_copy(update={"hypothesis": proposed.model_copy(update=more), "nearest": nearest, "judgements": judgements, "calls": calls})


def unanswered(verdict: VerdictReached) -> VerdictReached:
    """The record without the models' answers word for word, which are most of it."""
    proposed = verdict.hypothesis.model_copy(update={"calls": _with_answers(verdict.hypothesis.calls, "")})
    return verdict.model_copy(update={"hypothesis": proposed, "calls": _with_answers(verdict.calls, "")})


def _cleaned(fact: Fact, fact_ids: Set[str]) -> Fact:
    if fact.fact_id not in fact_ids:
        return fact
    return Fact(fact_id=fact.fact_id, ordinal=fact.ordinal, text=ERASED, kind=fact.kind, depth=fact.depth)


def _nothing_said(proposed: HypothesisProposed) -> dict[str, object]:
    synthesis = proposed.synthesis
    return {
        "synthesis": synthesis and Synthesis(title=ERASED, link=synthesis.link, reasoning=ERASED, hypothesis=ERASED, implication=ERASED),
        "abstention": proposed.abstention and ERASED,
        "unreadable": proposed.unreadable and ERASED,
        "calls": _with_answers(proposed.calls, ERASED),
    }


def _with_answers(calls: tuple[ModelCall, ...], text: str) -> tuple[ModelCall, ...]:
    return tuple(call.model_copy(update={"answer": call.answer and text}) for call in calls)
