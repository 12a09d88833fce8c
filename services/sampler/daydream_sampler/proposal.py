"""From a claim to its pair, and the exact probability of that pair. Pure, but for the questions to the memory.

An anchor's partners are its nearest facts and some by lot (a lot that is fixed for a round, so that everybody draws the same). A
strategy weighs them, pairs that were drawn already are left out, and one is drawn in proportion to the weights. So a strategy
proposes the pair {a, b} with P(a is the anchor) · q(b | a) + P(b is the anchor) · q(a | b), and all of them together with the sum
over their shares. What that leaves out: an anchor whose partners are all drawn proposes nothing, and the next one is asked; the
probability of everything else rises by at most 1 ÷ (1 − drawn_mass_max).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from daydream_contracts.access import are_isolated
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import Neighbour, Neighbourhoods, NeighbourQuery
from daydream_sampler.epoch import UNIFORM, AnchorSource, Claim, Epoch, number_of, pairs_of
from daydream_sampler.features import features
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    FactView,
    LearnedParams,
    Partner,
    Strategy,
    Weights,
)

NEAR = 64
BY_LOT = 32


class PairSet(Protocol):
    """Which pairs are drawn, and how often each fact was."""

    @property
    def draws(self) -> Mapping[int, int]: ...

    def __contains__(self, number: int) -> bool: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class CandidateSet:
    """A fact among the partners that it can have, and `beside` it whatever else was looked at. `hidden`: it can't be drawn any more."""

    spot: FactView
    partners: tuple[Partner, ...]
    beside: tuple[Partner, ...] = ()
    hidden: bool = False


@dataclass(frozen=True)
class ProposalModel:
    """What all proposals of a moment rest on. `before`: the epoch before the claim; `hidden`: how many of the facts can't be drawn any more;
    `questions`: their ordinals; `may_see`: whether all models on the way may see what needs a clearance;
    `isolated_pairs`: how many pairs have a wall between their teams."""

    before: Epoch
    facts: int
    questions: Sequence[int]
    strategies: Mapping[str, Strategy]
    drawn: PairSet
    hidden: int = 0
    may_see: Callable[[str], bool] = lambda clearance: not clearance
    isolated_pairs: int = 0

    def turns(self) -> dict[str, AnchorSource]:
        """How many anchors each strategy has."""
        return turns_of(self.strategies, self.facts, len(self.questions))

    def anchor_of(self, claim: Claim) -> int:
        """The ordinal of a claim's anchor."""
        assert claim.anchor is not None
        place = claim.anchor
        return (
            self.questions[place]
            if self.strategies[claim.strategy].order is AnchorOrder.QUESTIONS
            else place
        )

    def place(self, ordinal: int, other: int | None = None) -> NeighbourQuery:
        """What to ask the memory about a fact: its surroundings, those beside it by lot, and one `other`."""
        return NeighbourQuery(
            ordinal=ordinal, also=(*self._lot(ordinal), *(() if other is None else (other,)))
        )

    def _lot(self, ordinal: int) -> list[int]:
        lot = random.Random(f"{self.before.key}:{self.before.round.number}:{ordinal}")
        return lot.sample(range(self.facts), min(BY_LOT, self.facts))

    def view(self, seen: Sequence[Neighbour], found: Neighbourhoods) -> CandidateSet:
        """What strategies see of it. The memory's answer is sorted, so the first `NEAR` are the nearest of all."""
        own, *others = seen
        lot = frozenset(self._lot(own.ordinal))
        partners, beside, nearest = list[Partner](), list[Partner](), 0
        for one in others:
            partner = Partner(
                one.ordinal,
                one.source,
                one.domain,
                one.kind,
                self.drawn.draws.get(one.ordinal, 0),
                closeness=(one.similarity - found.unrelated_median) / found.unrelated_spread,
                by_chance=one.ordinal in lot,
            )
            nearest += not one.hidden
            open_ = (
                not one.hidden
                and not one.related
                and not are_isolated(own.team, one.team)
                and self.may_see(one.clearance)
            )
            eligible = (
                (nearest <= NEAR or partner.by_chance) and open_ and not self._closed(one.kind)
            )
            (partners if eligible else beside).append(partner)
        spot = FactView(
            own.ordinal, own.source, own.domain, own.kind, self.drawn.draws.get(own.ordinal, 0)
        )
        return CandidateSet(
            spot, tuple(partners), tuple(beside), own.hidden or not self.may_see(own.clearance)
        )

    def _closed(self, kind: FactKind) -> bool:
        """Whether facts of this kind take part in this round only where uniform draws them."""
        return kind is FactKind.INSIGHT and not self.before.round.machine_made

    def shares(
        self, strategy: Strategy, view: CandidateSet, *, but_for: int | None = None
    ) -> Weights:
        """With which probability each partner is drawn, given the anchor; zeros when all are drawn. `but_for` counts as not drawn."""
        if view.hidden or self._closed(view.spot.kind):
            return np.zeros(len(view.partners))
        weights = strategy.weigh(
            view.spot,
            view.partners,
            LearnedParams(np.array(self.before.round.learned), self.before.round.regions),
        )
        numbers = [number_of(view.spot.ordinal, one.ordinal) for one in view.partners]
        weights = np.where(
            [number in self.drawn and number != but_for for number in numbers], 0.0, weights
        )
        total = float(weights.sum())
        return weights / total if total > 0 else weights * 0

    def choose(self, claim: Claim, view: CandidateSet) -> int | None:
        """The number of the pair that an anchor gets; None when it has no partner left."""
        shares = self.shares(self.strategies[claim.strategy], view)
        if not shares.any():
            return None
        ticket = random.Random(f"{self.before.key}:{claim.claim_id}").random()
        at = min(
            int(np.searchsorted(np.cumsum(shares), ticket, side="right")),
            int(np.flatnonzero(shares)[-1]),
        )
        return number_of(view.spot.ordinal, view.partners[at].ordinal)

    def settle(self, claim: Claim, number: int, first: CandidateSet, second: CandidateSet) -> Claim:
        """The claim with its pair, the pair's probability under every strategy, and what the learned one knows of it."""
        proposed = {
            UNIFORM: claim.chance
            if claim.strategy == UNIFORM
            else self.before.uniform_probability(number)
        }
        for name in self.strategies:
            proposed[name] = sum(
                self._one_way(name, claim, anchor, partner, number)
                for anchor, partner in ((first, second), (second, first))
            )
        probability = sum(share * proposed.get(name, 0.0) for name, share in claim.shares.items())
        partner = next(
            one for one in (*first.partners, *first.beside) if one.ordinal == second.spot.ordinal
        )
        machine_made = FactKind.INSIGHT in (first.spot.kind, second.spot.kind)
        found = {
            "number": number,
            "probability": min(1.0, probability),
            "proposed": {name: value for name, value in proposed.items() if value},
            "features": features(first.spot, partner),
            "drawn_mass_max": self.drawn_mass_max(claim.shares),
            "machine_made": machine_made,
        }
        return claim.model_copy(update=found)

    def _one_way(
        self, name: str, claim: Claim, anchor: CandidateSet, partner: CandidateSet, number: int
    ) -> float:
        """With which probability a strategy takes this anchor, and then this partner."""
        ordinal = anchor.spot.ordinal
        if claim.strategy == name and self.anchor_of(claim) == ordinal:
            chance = claim.chance
        else:
            turns = self.turns()[name]
            cycle = self.before.ready(name, turns)
            by_question = turns.order is AnchorOrder.QUESTIONS
            place = (
                ordinal
                if not by_question
                else self.questions.index(ordinal)
                if ordinal in self.questions
                else None
            )
            chance = (
                cycle.probability(turns.order, self.before.anchor_key(name), place)
                if cycle and place is not None
                else 0.0
            )
        if not chance:
            return 0.0
        shares = self.shares(self.strategies[name], anchor, but_for=number)
        return chance * sum(
            float(share)
            for one, share in zip(anchor.partners, shares, strict=True)
            if one.ordinal == partner.spot.ordinal
        )

    def drawn_mass_max(self, shares: Mapping[str, float]) -> float:
        """At most so much of the proposals is for what is drawn or hidden: of the uniform ones, the pairs that others drew ahead of its cursor and
        those with a hidden fact; of the others, hidden anchors and those that could have run out, which took as many draws as they have partners."""
        left = self.before.pairs_left
        passed = sum(block.cursor for block in self.before.blocks)
        with_hidden = (
            pairs_of(self.facts) - pairs_of(max(0, self.facts - self.hidden)) + self.isolated_pairs
        )
        ahead = (max(0, len(self.drawn) - passed) + with_hidden) / left if left else 1.0
        partners = max(1, min(NEAR, self.facts - 1))
        anchors = max(1, min(self.facts, len(self.questions) or self.facts))
        empty = (2 * len(self.drawn) / partners + self.hidden) / anchors
        return min(
            1.0,
            shares.get(UNIFORM, 0.0) * min(1.0, ahead)
            + (1 - shares.get(UNIFORM, 0.0)) * min(1.0, empty),
        )


def turns_of(
    strategies: Mapping[str, Strategy], facts: int, questions: int
) -> dict[str, AnchorSource]:
    """How many anchors each strategy has; none while there are no two facts."""
    count = facts if facts > 1 else 0
    return {
        name: AnchorSource(
            order=strategy.order,
            available=min(questions, count) if strategy.order is AnchorOrder.QUESTIONS else count,
        )
        for name, strategy in strategies.items()
    }
