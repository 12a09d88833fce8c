"""Draw as the service does, over facts in a matrix and without NATS: for simulations, benchmarks,
tests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.access import are_isolated
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import Neighbour, Neighbourhoods, NeighbourQuery
from daydream_sampler.candidates import NEAREST, are_of_one_document
from daydream_sampler.claim import Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of, pair_count
from daydream_sampler.pair_probability import ProposalModel, anchor_sources_of
from daydream_sampler.strategies.interface import Strategy

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
SCALE_PAIRS = 4000


@dataclass
class FactSpace:
    """Facts as unit vectors, shape (n, d), and what is known of each."""

    vectors: NDArray[np.float32]
    sources: Sequence[str]
    kinds: Sequence[FactKind]
    median: float = 0.0
    spread: float = 1.0
    hidden: frozenset[int] = frozenset()
    parents: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    teams: Mapping[int, str] = field(default_factory=dict)
    clearances: Mapping[int, str] = field(default_factory=dict)
    domains: Mapping[int, str] = field(default_factory=dict)
    _nearest: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict, init=False)
    _neighbours: dict[tuple[int, int], Neighbour] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        count = len(self.vectors)
        first = rng.integers(0, count, SCALE_PAIRS)
        second = (first + rng.integers(1, count, SCALE_PAIRS)) % count
        cosines = np.einsum("ij,ij->i", self.vectors[first], self.vectors[second])
        self.median, self.spread = float(np.median(cosines)), float(np.std(cosines))

    def is_forbidden(self, number: int, may_see: Callable[[str], bool]) -> bool:
        """Return whether a pair may not be drawn."""
        ordinals = ordinals_of(number)
        if are_of_one_document(*(self.sources[ordinal] for ordinal in ordinals)):
            return True
        first_team, second_team = (self.teams.get(ordinal, "") for ordinal in ordinals)
        return are_isolated(first_team, second_team) or any(
            ordinal in self.hidden or not may_see(self.clearances.get(ordinal, ""))
            for ordinal in ordinals
        )

    @cached_property
    def same_document_pairs(self) -> int:
        """How many pairs have facts of one document."""
        return sum(map(pair_count, Counter(filter(None, self.sources)).values()))

    @property
    def questions(self) -> list[int]:
        """The ordinals of open research questions."""
        return [ordinal for ordinal, kind in enumerate(self.kinds) if kind is FactKind.QUESTION]

    def neighbourhoods(
        self, queries: Sequence[NeighbourQuery], near: int = NEAREST
    ) -> Neighbourhoods:
        """Answer as the memory does."""
        return Neighbourhoods(
            neighbourhoods=tuple(self._neighbourhood(query, near) for query in queries),
            unrelated_median=self.median,
            unrelated_spread=self.spread,
        )

    def _neighbourhood(self, query: NeighbourQuery, near: int) -> tuple[Neighbour, ...]:
        """Return what the memory would. Facts do not change, so it is computed once per pair."""
        own = query.ordinal
        others = {*self._nearest_of(own, near), *query.also} - {own}
        neighbours = [self._neighbour(own, other) for other in others]
        neighbours.sort(key=lambda neighbour: -neighbour.similarity)
        return (self._neighbour(own, own), *neighbours)

    def _nearest_of(self, ordinal: int, near: int) -> tuple[int, ...]:
        if (ordinal, near) not in self._nearest:
            cosines = self.vectors @ self.vectors[ordinal]
            cosines[ordinal] = np.inf
            cosines[list(self.hidden)] = -1.0
            nearest = np.argpartition(-cosines, min(near, len(cosines) - 1))[: near + 1]
            self._nearest[ordinal, near] = tuple(nearest.tolist())
        return self._nearest[ordinal, near]

    def _neighbour(self, own: int, other: int) -> Neighbour:
        if (own, other) not in self._neighbours:
            cosine = float(self.vectors[own] @ self.vectors[other])
            self._neighbours[own, other] = Neighbour(
                ordinal=other,
                similarity=1.0 if own == other else -1.0 if other in self.hidden else cosine,
                source=self.sources[other],
                domain=self.domains.get(other, ""),
                kind=self.kinds[other],
                hidden=other in self.hidden,
                related=self.are_related(other, own),
                team=self.teams.get(other, ""),
                clearance=self.clearances.get(other, ""),
            )
        return self._neighbours[own, other]

    def are_related(self, ordinal: int, other: int) -> bool:
        """Return whether one of the two facts is a parent of the other."""
        return ordinal in self.parents.get(other, ()) or other in self.parents.get(ordinal, ())


@dataclass
class LocalPairs:
    """The drawn pairs of one process."""

    numbers: set[int] = field(default_factory=set)
    draws: Counter[int] = field(default_factory=Counter)

    def __contains__(self, number: int) -> bool:
        return number in self.numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, number: int) -> None:
        """Count a pair as drawn."""
        self.numbers.add(number)
        self.draws.update(ordinals_of(number))


def draw(
    space: FactSpace,
    epoch: Epoch,
    strategies: dict[str, Strategy],
    drawn: LocalPairs,
    *,
    may_see: Callable[[str], bool] = lambda clearance: not clearance,
) -> tuple[Epoch, Claim | None]:
    """Make the next draw.

    The claim is None when its anchor has no partner left, another strategy drew its pair, or no
    pair is left.
    """
    facts = len(space.vectors)
    sources = anchor_sources_of(strategies, facts, len(space.questions))
    before = epoch.extend(facts).start_arrivals(sources)
    hidden = len({*space.hidden, *space.clearances})
    proposal = ProposalModel(
        before,
        facts,
        space.questions,
        strategies,
        drawn,
        hidden,
        may_see,
        same_document_pairs=space.same_document_pairs,
    )
    claimed = before.claim("a", NOW, sources)
    if claimed is None:
        return before, None
    after, claim = claimed
    chosen = choose_pair(space, proposal, claim)
    if (
        chosen is None
        or chosen.number is None
        or chosen.number in drawn
        or space.is_forbidden(chosen.number, may_see)
    ):
        return after.abandon_claim(claim), None
    drawn.add(chosen.number)
    return after.complete(chosen), chosen


def choose_pair(space: FactSpace, proposal: ProposalModel, claim: Claim) -> Claim | None:
    """Return the claim with its pair, as the service does it, or None without a partner."""
    find = proposal.candidates
    if claim.number is None:
        ordinal = proposal.anchor_of(claim)
        reply = space.neighbourhoods([find.query(ordinal)])
        first = find.read(reply.neighbourhoods[0], reply)
        number = proposal.choose(claim, first)
        if number is None:
            return None
        (other,) = {*ordinals_of(number)} - {ordinal}
        reply = space.neighbourhoods([find.query(other, ordinal)])
        return proposal.price_claim(claim, number, first, find.read(reply.neighbourhoods[0], reply))
    low, high = ordinals_of(claim.number)
    reply = space.neighbourhoods([find.query(low, high), find.query(high, low)])
    first, second = (find.read(neighbours, reply) for neighbours in reply.neighbourhoods)
    return proposal.price_claim(claim, claim.number, first, second)
