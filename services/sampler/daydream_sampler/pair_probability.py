"""Compute the exact probability of a pair, and choose the partner of an anchor. Pure.

A strategy weighs an anchor's partners (`candidates`), pairs that are drawn already count nothing,
and one partner is drawn in proportion to the weights. So a strategy proposes the pair {a, b} with
the probability P(a is the anchor) · q(b | a) + P(b is the anchor) · q(a | b). All strategies
together propose it with the sum of these over their shares.

That leaves one thing out: an anchor whose partners are all drawn proposes nothing, and the next
anchor is asked. This raises the probability of everything else to at most
1 ÷ (1 − rejection_probability_max) times as much.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from daydream_contracts.events import FactKind
from daydream_sampler.anchor_cycles import AnchorSource
from daydream_sampler.candidates import NEAREST, CandidateFinder, CandidateSet
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_features import features
from daydream_sampler.pair_numbers import pair_count, pair_number
from daydream_sampler.strategies.interface import (
    AnchorOrder,
    LearnedParams,
    Strategy,
    Weights,
)


class PairSet(Protocol):
    """Which pairs are drawn, and in how many drawn pairs each fact is."""

    @property
    def draws(self) -> Mapping[int, int]: ...

    def __contains__(self, number: int) -> bool: ...

    def __len__(self) -> int: ...


@dataclass(frozen=True)
class ProposalModel:
    """What all proposals of one moment depend on.

    `before`: the epoch before the claim. `facts`: how many there are. `questions`: the ordinals of
    open research questions. `hidden`: how many facts can no longer be drawn. `may_see`: whether the
    models of all stages may see facts of a clearance. `isolated_pairs`: how many pairs have facts
    of two teams. `same_document_pairs`: how many pairs have facts of one document and are therefore
    not drawn; None if they are.
    """

    before: Epoch
    facts: int
    questions: Sequence[int]
    strategies: Mapping[str, Strategy]
    drawn: PairSet
    hidden: int = 0
    may_see: Callable[[str], bool] = lambda clearance: not clearance
    isolated_pairs: int = 0
    same_document_pairs: int | None = 0

    @cached_property
    def candidates(self) -> CandidateFinder:
        """How to ask the memory for an anchor's partners."""
        return CandidateFinder(
            self.before,
            self.facts,
            self.drawn.draws,
            self.may_see,
            self.same_document_pairs is None,
        )

    @cached_property
    def anchor_sources(self) -> dict[str, AnchorSource]:
        """How many anchors each strategy has."""
        return anchor_sources_of(self.strategies, self.facts, len(self.questions))

    def anchor_of(self, claim: Claim) -> int:
        """Return the ordinal of a claim's anchor."""
        assert claim.anchor is not None
        by_question = self.strategies[claim.strategy].order is AnchorOrder.QUESTIONS
        return self.questions[claim.anchor] if by_question else claim.anchor

    def partner_probabilities(
        self, strategy: Strategy, seen: CandidateSet, *, but_for: int | None = None
    ) -> Weights:
        """Return each partner's probability given the anchor, shape (partners,).

        All zero if every partner is already drawn. The pair number `but_for` counts as not drawn.
        """
        if seen.hidden or self.candidates.is_excluded(seen.anchor.kind):
            return np.zeros(len(seen.partners))
        learned = LearnedParams(np.array(self.before.round.learned), self.before.round.regions)
        weights = strategy.weigh(seen.anchor, seen.partners, learned)
        numbers = [pair_number(seen.anchor.ordinal, partner.ordinal) for partner in seen.partners]
        is_drawn = [number in self.drawn and number != but_for for number in numbers]
        weights = np.where(is_drawn, 0.0, weights)
        total = float(weights.sum())
        return weights / total if total > 0 else weights * 0

    def choose(self, claim: Claim, seen: CandidateSet) -> int | None:
        """Return the number of the pair that an anchor gets, or None when no partner is left."""
        probabilities = self.partner_probabilities(self.strategies[claim.strategy], seen)
        if not probabilities.any():
            return None
        ticket = random.Random(f"{self.before.key}:{claim.claim_id}").random()
        at = min(
            int(np.searchsorted(np.cumsum(probabilities), ticket, side="right")),
            int(np.flatnonzero(probabilities)[-1]),
        )
        return pair_number(seen.anchor.ordinal, seen.partners[at].ordinal)

    def price_claim(
        self, claim: Claim, number: int, first: CandidateSet, second: CandidateSet
    ) -> Claim:
        """Return the claim with its pair and the pair's probability under every strategy.

        It also holds the features that the learned strategy uses.
        """
        is_uniform = claim.strategy == UNIFORM
        proposed = {
            UNIFORM: claim.chance if is_uniform else self.before.uniform_probability(number)
        }
        for name in self.strategies:
            proposed[name] = sum(
                self._ordered_probability(name, claim, anchor, partner, number)
                for anchor, partner in ((first, second), (second, first))
            )
        probability = sum(share * proposed.get(name, 0.0) for name, share in claim.shares.items())
        update = {
            "number": number,
            "probability": min(1.0, probability),
            "proposed": {name: value for name, value in proposed.items() if value},
            "features": features(first.anchor, first.beside(second.anchor.ordinal)),
            "rejection_probability_max": self.rejection_probability_max(claim.shares),
            "generated": FactKind.INSIGHT in (first.anchor.kind, second.anchor.kind),
        }
        return claim.model_copy(update=update)

    def _ordered_probability(
        self, name: str, claim: Claim, first: CandidateSet, second: CandidateSet, number: int
    ) -> float:
        """Return the probability that a strategy takes `first` as the anchor and `second` beside
        it.
        """
        chance = self._anchor_probability(name, claim, first.anchor.ordinal)
        if not chance:
            return 0.0
        strategy = self.strategies[name]
        probabilities = self.partner_probabilities(strategy, first, but_for=number)
        return chance * sum(
            float(probability)
            for partner, probability in zip(first.partners, probabilities, strict=True)
            if partner.ordinal == second.anchor.ordinal
        )

    def _anchor_probability(self, name: str, claim: Claim, ordinal: int) -> float:
        """Return the probability that a strategy's next anchor is this fact."""
        if claim.strategy == name and self.anchor_of(claim) == ordinal:
            return claim.chance
        source = self.anchor_sources[name]
        place: int | None = ordinal
        if source.order is AnchorOrder.QUESTIONS:
            place = self.questions.index(ordinal) if ordinal in self.questions else None
        cycle = self.before.ready(name, source)
        if cycle is None or place is None:
            return 0.0
        return cycle.probability(source.order, self.before.anchor_key(name), place)

    def rejection_probability_max(self, shares: Mapping[str, float]) -> float:
        """Return an upper bound of the probability that a proposal is for a drawn or hidden pair.

        For uniform draws these are the pairs that others drew ahead of its cursor, and those that
        may not be drawn: with a hidden fact, of two teams, of one document. For the other
        strategies they are hidden anchors and anchors that could have run out, which took as many
        draws as they have partners.
        """
        left = self.before.pairs_left
        passed = sum(block.cursor for block in self.before.blocks)
        visible_pairs = pair_count(max(0, self.facts - self.hidden))
        with_hidden = pair_count(self.facts) - visible_pairs
        forbidden = with_hidden + self.isolated_pairs + (self.same_document_pairs or 0)
        ahead = (max(0, len(self.drawn) - passed) + forbidden) / left if left else 1.0
        partners = max(1, min(NEAREST, self.facts - 1))
        anchors = max(1, min(self.facts, len(self.questions) or self.facts))
        empty = (2 * len(self.drawn) / partners + self.hidden) / anchors
        uniform = shares.get(UNIFORM, 0.0)
        return min(1.0, uniform * min(1.0, ahead) + (1 - uniform) * min(1.0, empty))


def anchor_sources_of(
    strategies: Mapping[str, Strategy], facts: int, questions: int
) -> dict[str, AnchorSource]:
    """Return how many anchors each strategy has: none while there are fewer than two facts."""
    count = facts if facts > 1 else 0
    return {
        name: AnchorSource(
            order=strategy.order,
            available=min(questions, count) if strategy.order is AnchorOrder.QUESTIONS else count,
        )
        for name, strategy in strategies.items()
    }
