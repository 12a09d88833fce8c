"""The record of a daydream without what was erased. It is the same in every store."""

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
ERASED_NOTE = "erased by "  # a document whose note begins so is refused


def without(verdict: VerdictReached, fact_ids: Set[str], *, derived: bool) -> VerdictReached:
    """Return the record without the texts of these facts.

    With `derived` also without the hypothesis about them and what models wrote on it.
    """
    pair, hypothesis, examination = _pair(verdict), verdict.hypothesis, verdict.examination
    about_them = derived and bool(fact_ids & pair)
    shown = examination is not None and bool(fact_ids & _shown(examination))
    changes: dict[str, object] = {
        "hypothesis": _clean_hypothesis(hypothesis, fact_ids, about_them=about_them)
    }
    if about_them or shown:
        changes["calls"] = _with_answers(verdict.calls, ERASED)
    if about_them:
        changes["judgements"] = tuple(
            judgement.model_copy(update={"justification": ERASED})
            for judgement in verdict.judgements
        )
    if verdict.nearest is not None and verdict.nearest.id in fact_ids:
        changes["nearest"] = verdict.nearest.model_copy(update={"text": ERASED})
    if examination is not None and (about_them or shown):
        changes["examination"] = _clean_examination(examination, fact_ids)
        changes["explanation"] = ERASED
    return verdict.model_copy(update=changes)


def facts_in(verdict: VerdictReached) -> tuple[str, ...]:
    """Return the ids of the facts whose texts are in the record, its own two first."""
    pair = verdict.hypothesis.pair
    ids = [pair.first.fact_id, pair.second.fact_id]
    if verdict.nearest is not None:
        ids.append(verdict.nearest.id)
    if verdict.examination is not None:
        ids += [statement.id for statement in verdict.examination.statements]
    return tuple(dict.fromkeys(ids))


def without_answers(verdict: VerdictReached) -> VerdictReached:
    """Return the record without its largest parts.

    These are the models' answers, and the statements that the oracle compared it with.
    """
    hypothesis = verdict.hypothesis
    examination = verdict.examination
    if examination is not None:
        statements = [
            statement.model_copy(update={"text": ""}) for statement in examination.statements
        ]
        examination = examination.model_copy(update={"statements": tuple(statements)})
    calls = {"calls": _with_answers(hypothesis.calls, "")}
    return verdict.model_copy(
        update={
            "hypothesis": hypothesis.model_copy(update=calls),
            "calls": _with_answers(verdict.calls, ""),
            "examination": examination,
        }
    )


def _pair(verdict: VerdictReached) -> set[str]:
    pair = verdict.hypothesis.pair
    return {pair.first.fact_id, pair.second.fact_id}


def _shown(examination: Examination) -> set[str]:
    return {statement.id for statement in examination.statements}


def _clean_hypothesis(
    hypothesis: HypothesisProposed, fact_ids: Set[str], *, about_them: bool
) -> HypothesisProposed:
    pair = hypothesis.pair
    facts = {
        "first": _clean_fact(pair.first, fact_ids),
        "second": _clean_fact(pair.second, fact_ids),
    }
    texts = _erased_texts(hypothesis) if about_them else {}
    return hypothesis.model_copy(update={"pair": pair.model_copy(update=facts), **texts})


def _clean_examination(examination: Examination, fact_ids: Set[str]) -> Examination:
    """Return it without these statements, and without what an oracle wrote that saw them."""
    attempts = [
        attempt.model_copy(
            update={
                "same_as": attempt.same_as and _clean_statement(attempt.same_as, fact_ids),
                "case": ERASED,
            }
        )
        for attempt in examination.attempts
    ]
    statements = [_clean_statement(statement, fact_ids) for statement in examination.statements]
    return examination.model_copy(
        update={"statements": tuple(statements), "attempts": tuple(attempts)}
    )


def _clean_statement(statement: Statement, fact_ids: Set[str]) -> Statement:
    return statement.model_copy(update={"text": ERASED}) if statement.id in fact_ids else statement


def _clean_fact(fact: Fact, fact_ids: Set[str]) -> Fact:
    if fact.fact_id not in fact_ids:
        return fact
    return Fact(
        fact_id=fact.fact_id, ordinal=fact.ordinal, text=ERASED, kind=fact.kind, depth=fact.depth
    )


def _erased_texts(hypothesis: HypothesisProposed) -> dict[str, object]:
    synthesis = hypothesis.synthesis
    erased = synthesis and Synthesis(
        title=ERASED,
        link=synthesis.link,
        reasoning=ERASED,
        hypothesis=ERASED,
        implication=ERASED,
    )
    return {
        "together": None,
        "synthesis": erased,
        "abstention": hypothesis.abstention and ERASED,
        "unreadable": hypothesis.unreadable and ERASED,
        "filtered": hypothesis.filtered and ERASED,
        "calls": _with_answers(hypothesis.calls, ERASED),
    }


def _with_answers(calls: tuple[ModelCall, ...], text: str) -> tuple[ModelCall, ...]:
    return tuple(call.model_copy(update={"answer": call.answer and text}) for call in calls)
