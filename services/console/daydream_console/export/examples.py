"""Turn verdicts into labelled examples, and split them so that no document is on both sides.

Steps: all verdicts with their reviews → one example per hypothesis (its last final verdict) →
train, test or neither. A review overrides the models, and the outcome of a tried test overrides
both. `split` says which documents are tested. An insight is on the sides of all facts that it
descends from, and a pair is used if all of these are on one side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import compress
from typing import Literal

from daydream_console.export.split import Units, split_of
from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    OutcomeRecorded,
    PairSampled,
    TrialResult,
    VerdictReached,
    insight_id_of,
)
from daydream_contracts.rpc import VerdictPage


class ExampleLabel(StrEnum):
    """What an example shows.

    NONE teaches nothing: an abstention, a duplicate, an unreadable answer, no final verdict.
    """

    INTERESTING = "interesting"
    UNINTERESTING = "uninteresting"
    NONE = "none"


LabelSource = Literal["outcome", "people", "models"]
OUTCOME_LABELS = {
    TrialResult.CONFIRMED: ExampleLabel.INTERESTING,
    TrialResult.REFUTED: ExampleLabel.UNINTERESTING,
}
LABELS = {
    Decision.PROMOTED: ExampleLabel.INTERESTING,
    Decision.DISCARDED: ExampleLabel.UNINTERESTING,
    Decision.REFUTED: ExampleLabel.UNINTERESTING,
}


@dataclass(frozen=True)
class LabelledExample:
    """One hypothesis with its label.

    `side` is train, test, or empty if its facts are on both sides. `split_by`: the units of the
    split, the same for all.
    """

    verdict: VerdictReached
    label: ExampleLabel
    labelled_by: LabelSource
    retracted: bool
    side: str
    split_by: str

    @property
    def pair(self) -> PairSampled:
        """Return the two facts of the hypothesis."""
        return self.verdict.hypothesis.pair

    @property
    def rule(self) -> str:
        """Return what the models decided by: the rule of promotion, or what ended it before."""
        aggregation = self.verdict.aggregation
        return aggregation.rule if aggregation else self.verdict.reason

    @property
    def teaches(self) -> bool:
        """Return True if a model can be trained or tested on it."""
        has_hypothesis = self.verdict.hypothesis.synthesis is not None
        return self.label is not ExampleLabel.NONE and has_hypothesis and not self.retracted


def examples_of(page: VerdictPage, *, test_fraction: float, seed: int) -> list[LabelledExample]:
    """Return one example per hypothesis, in the order in which the verdicts were reached.

    `test_fraction` is the share of the rows in use that are tested: those that teach something and
    have their facts on one side. The last outcome and the last review of a verdict hold. An
    inconclusive outcome decides nothing.
    """
    outcomes = {
        outcome.verdict_id: outcome
        for outcome in sorted(page.outcomes, key=lambda outcome: outcome.recorded_at)
    }
    reviews = sorted(page.reviews, key=lambda review: review.recorded_at)
    last_reviews = {review.verdict_id: review for review in reviews}
    roots, sources = roots_of(page.verdicts), sources_of(page.verdicts)
    examples, facts = [], list[Units]()
    for verdict in _last_verdicts(page.verdicts):
        review = last_reviews.get(verdict.verdict_id)
        pair = verdict.hypothesis.pair
        label, source = _label(
            verdict, review.accepted if review else None, outcomes.get(verdict.verdict_id)
        )
        retracted = verdict.verdict_id in page.retracted
        examples.append(LabelledExample(verdict, label, source, retracted, side="", split_by=""))
        facts.append(frozenset(_root_ids(pair.first, roots) | _root_ids(pair.second, roots)))
    documents = [frozenset(sources.get(fact_id, fact_id) for fact_id in row) for row in facts]
    return _with_sides(examples, {"documents": documents, "facts": facts}, test_fraction, seed)


def _with_sides(
    examples: Sequence[LabelledExample],
    by_unit: Mapping[str, Sequence[Units]],
    test_fraction: float,
    seed: int,
) -> list[LabelledExample]:
    """Split by what the rows that teach something need, and return all with their sides."""
    teaching = [example.teaches for example in examples]
    used = {name: list(compress(rows, teaching)) for name, rows in by_unit.items()}
    split = split_of(used, test_fraction, seed)
    rows = by_unit[split.kind]
    return [
        replace(example, side=split.side(units), split_by=split.unit)
        for example, units in zip(examples, rows, strict=True)
    ]


def sources_of(verdicts: Iterable[VerdictReached]) -> dict[str, str]:
    """Return the document of each fact that is no insight, by the fact's id."""
    return {
        fact.fact_id: fact.source or fact.fact_id
        for verdict in verdicts
        for fact in (verdict.hypothesis.pair.first, verdict.hypothesis.pair.second)
        if fact.kind is not FactKind.INSIGHT
    }


def _last_verdicts(verdicts: Iterable[VerdictReached]) -> Iterable[VerdictReached]:
    """Return the last verdict on each hypothesis, and a final one if there is any."""
    last: dict[str, VerdictReached] = {}
    for verdict in sorted(verdicts, key=lambda verdict: (verdict.reached_at, verdict.round)):
        earlier = last.get(verdict.hypothesis.hypothesis_id)
        if earlier is None or verdict.final or not earlier.final:
            last[verdict.hypothesis.hypothesis_id] = verdict
    return last.values()


def _label(
    verdict: VerdictReached, accepted: bool | None, outcome: OutcomeRecorded | None
) -> tuple[ExampleLabel, LabelSource]:
    if outcome is not None and outcome.result in OUTCOME_LABELS:
        return OUTCOME_LABELS[outcome.result], "outcome"
    if accepted is not None:
        return (ExampleLabel.INTERESTING if accepted else ExampleLabel.UNINTERESTING), "people"
    label = LABELS.get(verdict.decision, ExampleLabel.NONE) if verdict.final else ExampleLabel.NONE
    return label, "models"


def clearances_of(verdict: VerdictReached) -> set[str]:
    """Return the clearances that are needed to see the facts of a verdict."""
    return {verdict.hypothesis.pair.first.clearance, verdict.hypothesis.pair.second.clearance}


def roots_of(verdicts: Iterable[VerdictReached]) -> Mapping[str, set[str]]:
    """Return for each insight the ids of the document facts that it descends from.

    Every insight has a verdict, and that contains its parents.
    """
    parents = {
        insight_id_of(verdict.hypothesis.hypothesis_id): (
            verdict.hypothesis.pair.first,
            verdict.hypothesis.pair.second,
        )
        for verdict in verdicts
    }
    roots: dict[str, set[str]] = {}
    for insight_id in parents:
        _add_roots(insight_id, parents, roots)
    return roots


def _add_roots(
    insight_id: str, parents: Mapping[str, tuple[Fact, Fact]], roots: dict[str, set[str]]
) -> None:
    if insight_id in roots:
        return
    roots[insight_id] = set()  # ends a cycle, which no hypothesis can have, but damaged data might
    root_ids: set[str] = set()
    for fact in parents[insight_id]:
        if fact.kind is FactKind.INSIGHT and fact.fact_id in parents:
            _add_roots(fact.fact_id, parents, roots)
        root_ids |= _root_ids(fact, roots)
    roots[insight_id] = root_ids


def _root_ids(fact: Fact, roots: Mapping[str, set[str]]) -> set[str]:
    return roots.get(fact.fact_id, {fact.fact_id})
