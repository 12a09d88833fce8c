"""The record of a daydream without what was erased. The same in every store."""

from __future__ import annotations

from collections.abc import Set

from daydream_contracts.events import (
    Examination,
    Fact,
    HypothesisProposed,
    ModelCall,
    Statement,
    Synthesis,
    VerdictReached,
)

ERASED = "(erased)"
ERASED_NOTE = "erased by "  # a document with such a note is not wanted back


def without(verdict: VerdictReached, fact_ids: Set[str], *, derived: bool) -> VerdictReached:
    """The record without what these facts say. `derived`: nor what was made of them."""
    proposed, pair = verdict.hypothesis, verdict.hypothesis.pair
    concerned = derived and bool(fact_ids & {pair.first.fact_id, pair.second.fact_id})
    shown = (
        bool(fact_ids & {one.id for one in verdict.examination.statements})
        if verdict.examination
        else False
    )
    more: dict[str, object] = {
        "pair": pair.model_copy(
            update={
                "first": _cleaned(pair.first, fact_ids),
                "second": _cleaned(pair.second, fact_ids),
            }
        )
    }
    changed: dict[str, object] = {
        "hypothesis": proposed.model_copy(
            update={**more, **(_nothing_said(proposed) if concerned else {})}
        )
    }
    if concerned or shown:
        changed["calls"] = _with_answers(verdict.calls, ERASED)
    if concerned:
        changed["judgements"] = tuple(
            one.model_copy(update={"justification": ERASED}) for one in verdict.judgements
        )
    if verdict.nearest is not None and verdict.nearest.id in fact_ids:
        changed["nearest"] = verdict.nearest.model_copy(update={"text": ERASED})
    if verdict.examination is not None and (concerned or shown):
        changed |= {"examination": _examined(verdict.examination, fact_ids), "explanation": ERASED}
    return verdict.model_copy(update=changed)


def facts_in(verdict: VerdictReached) -> tuple[str, ...]:
    """Ids of the facts whose texts stand in the record: its own two first."""
    pair, nearest, examination = verdict.hypothesis.pair, verdict.nearest, verdict.examination
    shown = [one.id for one in examination.statements] if examination else []
    return tuple(
        dict.fromkeys(
            [pair.first.fact_id, pair.second.fact_id, *([nearest.id] if nearest else []), *shown]
        )
    )


def without_answers(verdict: VerdictReached) -> VerdictReached:
    """The record without the models' answers word for word, and without the texts that an examination held it against, which are most of it."""
    proposed = verdict.hypothesis.model_copy(
        update={"calls": _with_answers(verdict.hypothesis.calls, "")}
    )
    examination = verdict.examination
    if examination is not None:
        examination = examination.model_copy(
            update={
                "statements": tuple(
                    one.model_copy(update={"text": ""}) for one in examination.statements
                )
            }
        )
    return verdict.model_copy(
        update={
            "hypothesis": proposed,
            "calls": _with_answers(verdict.calls, ""),
            "examination": examination,
        }
    )


def _examined(examination: Examination, fact_ids: Set[str]) -> Examination:
    """Without what these facts say, and without the words of an oracle that saw them."""

    def cleaned(one: Statement) -> Statement:
        return one.model_copy(update={"text": ERASED}) if one.id in fact_ids else one

    attempts = [
        one.model_copy(update={"same_as": one.same_as and cleaned(one.same_as), "case": ERASED})
        for one in examination.attempts
    ]
    return examination.model_copy(
        update={
            "statements": tuple(cleaned(one) for one in examination.statements),
            "attempts": tuple(attempts),
        }
    )


def _cleaned(fact: Fact, fact_ids: Set[str]) -> Fact:
    if fact.fact_id not in fact_ids:
        return fact
    return Fact(
        fact_id=fact.fact_id, ordinal=fact.ordinal, text=ERASED, kind=fact.kind, depth=fact.depth
    )


def _nothing_said(proposed: HypothesisProposed) -> dict[str, object]:
    synthesis = proposed.synthesis
    return {
        "synthesis": synthesis
        and Synthesis(
            title=ERASED,
            link=synthesis.link,
            reasoning=ERASED,
            hypothesis=ERASED,
            implication=ERASED,
        ),
        "abstention": proposed.abstention and ERASED,
        "unreadable": proposed.unreadable and ERASED,
        "calls": _with_answers(proposed.calls, ERASED),
    }


def _with_answers(calls: tuple[ModelCall, ...], text: str) -> tuple[ModelCall, ...]:
    return tuple(call.model_copy(update={"answer": call.answer and text}) for call in calls)
