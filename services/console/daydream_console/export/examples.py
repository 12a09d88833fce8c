"""Verdicts to labelled examples, and the split that no fact crosses.

Data: every verdict, with what people said of it → one example for each hypothesis (its last final word) → train, test or neither.
A person's word outranks the models'. Each document fact falls to one side by a hash of its id; an insight stands on the sides of all facts that it
descends from. A pair is kept where all its facts stand on one side: of pairs drawn at random that is 1 − 2s + 2s² for a test share of s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from daydream_contracts.events import Decision, FactKind, PairSampled, VerdictReached, insight_id_of
from daydream_contracts.rpc import VerdictPage


class ExampleLabel(StrEnum):
    """What an example shows."""

    INTERESTING = "interesting"
    UNINTERESTING = "uninteresting"
    NONE = "none"  # nothing to learn a taste from: an abstention, a duplicate, an answer that nobody could read, a verdict that isn't final


LABELS = {
    Decision.PROMOTED: ExampleLabel.INTERESTING,
    Decision.DISCARDED: ExampleLabel.UNINTERESTING,
    Decision.REFUTED: ExampleLabel.UNINTERESTING,
}


@dataclass(frozen=True)
class LabelledExample:
    """One hypothesis with its label. `side`: train, test, or empty where its facts stand on both."""

    verdict: VerdictReached
    label: ExampleLabel
    by_people: bool
    retracted: bool
    side: str

    @property
    def pair(self) -> PairSampled:
        """The two facts it came from."""
        return self.verdict.hypothesis.pair

    @property
    def teaches(self) -> bool:
        """Whether a model can be trained or tested on it."""
        return (
            self.label is not ExampleLabel.NONE
            and self.verdict.hypothesis.synthesis is not None
            and not self.retracted
        )


def examples_of(judged: VerdictPage, *, test_fraction: float, seed: int) -> list[LabelledExample]:
    """In the order in which the verdicts were reached."""
    said = {
        review.verdict_id: review
        for review in sorted(judged.reviews, key=lambda one: one.recorded_at)
    }  # the last word on each
    roots = roots_of(judged.verdicts)
    last: dict[str, VerdictReached] = {}
    for verdict in sorted(judged.verdicts, key=lambda one: (one.reached_at, one.round)):
        known = last.get(verdict.hypothesis.hypothesis_id)
        if known is None or verdict.final or not known.final:
            last[verdict.hypothesis.hypothesis_id] = verdict
    found = []
    for verdict in last.values():
        review = said.get(verdict.verdict_id)
        label = (
            LABELS.get(verdict.decision, ExampleLabel.NONE) if verdict.final else ExampleLabel.NONE
        )
        if review is not None:
            label = ExampleLabel.INTERESTING if review.accepted else ExampleLabel.UNINTERESTING
        pair = verdict.hypothesis.pair
        facts = {
            root
            for fact in (pair.first, pair.second)
            for root in roots.get(fact.fact_id, {fact.fact_id})
        }
        sides = {side_of(fact, test_fraction, seed) for fact in facts}
        side = sides.pop() if len(sides) == 1 else ""
        found.append(
            LabelledExample(
                verdict, label, review is not None, verdict.verdict_id in judged.retracted, side
            )
        )
    return found


def clearances_of(verdict: VerdictReached) -> set[str]:
    """What one needs to see what it is about."""
    return {verdict.hypothesis.pair.first.clearance, verdict.hypothesis.pair.second.clearance}


def side_of(fact_id: str, test_fraction: float, seed: int) -> str:
    """The side on which a fact stands, the same in every export with this seed."""
    ticket = (
        int.from_bytes(hashlib.sha256(f"{seed}:{fact_id}".encode()).digest()[:8], "big") / 2**64
    )
    return "test" if ticket < test_fraction else "train"


def roots_of(verdicts: Iterable[VerdictReached]) -> Mapping[str, set[str]]:
    """For each insight the document facts that it descends from. Every insight has a verdict, and that knows its parents."""
    parents = {
        insight_id_of(verdict.hypothesis.hypothesis_id): (
            verdict.hypothesis.pair.first,
            verdict.hypothesis.pair.second,
        )
        for verdict in verdicts
    }
    roots: dict[str, set[str]] = {}

    def roots_below(insight: str) -> set[str]:
        if insight not in roots:
            roots[insight] = (
                set()
            )  # a hypothesis can't descend from itself; if the data say so, it ends here
            roots[insight] = {
                root
                for fact in parents.get(insight, ())
                for root in (
                    roots_below(fact.fact_id)
                    if fact.kind is FactKind.INSIGHT and fact.fact_id in parents
                    else {fact.fact_id}
                )
            }
        return roots[insight]

    for insight in parents:
        roots_below(insight)
    return roots
