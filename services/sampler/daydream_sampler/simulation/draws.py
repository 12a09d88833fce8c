"""Draws as the service makes them, over a memory in a matrix and without NATS in between: for simulations, benchmarks and tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.access import are_isolated
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import Neighbour, Neighbourhoods, NeighbourQuery
from daydream_sampler.epoch import Claim, Epoch, ordinals_of
from daydream_sampler.proposal import NEAR, ProposalModel, turns_of
from daydream_sampler.strategies.interface import Strategy

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


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

    def __post_init__(self) -> None:
        rng = np.random.default_rng(0)
        count = len(self.vectors)
        first = rng.integers(0, count, 4000)
        second = (first + rng.integers(1, count, 4000)) % count
        cosines = np.einsum("ij,ij->i", self.vectors[first], self.vectors[second])
        self.median, self.spread = float(np.median(cosines)), float(np.std(cosines))

    def closed(self, number: int, may_see: Callable[[str], bool]) -> bool:
        """Whether a pair may not be drawn."""
        one, other = ordinals_of(number)
        seen = all(
            ordinal not in self.hidden and may_see(self.clearances.get(ordinal, ""))
            for ordinal in (one, other)
        )
        return not seen or are_isolated(self.teams.get(one, ""), self.teams.get(other, ""))

    @property
    def questions(self) -> list[int]:
        return [ordinal for ordinal, kind in enumerate(self.kinds) if kind is FactKind.QUESTION]

    def around(self, places: Sequence[NeighbourQuery], near: int = NEAR) -> Neighbourhoods:
        return Neighbourhoods(
            seen=tuple(self._seen(place, near) for place in places),
            unrelated_median=self.median,
            unrelated_spread=self.spread,
        )

    def _seen(self, place: NeighbourQuery, near: int) -> tuple[Neighbour, ...]:
        cosines = self.vectors @ self.vectors[place.ordinal]
        cosines[place.ordinal] = np.inf
        cosines[list(self.hidden)] = -1.0
        nearest = np.argpartition(-cosines, min(near, len(cosines) - 1))[: near + 1]
        wanted = sorted(
            {*nearest.tolist(), *place.also} - {place.ordinal}, key=lambda one: -cosines[one]
        )
        sight = {one: float(cosines[one]) for one in wanted}
        return tuple(
            Neighbour(
                ordinal=one,
                similarity=similarity,
                source=self.sources[one],
                domain="",
                kind=self.kinds[one],
                hidden=one in self.hidden,
                related=one in self.parents.get(place.ordinal, ())
                or place.ordinal in self.parents.get(one, ()),
                team=self.teams.get(one, ""),
                clearance=self.clearances.get(one, ""),
            )
            for one, similarity in {place.ordinal: 1.0, **sight}.items()
        )


@dataclass
class LocalPairs:
    """The drawn pairs of one replica that nobody else shares."""

    numbers: set[int] = field(default_factory=set)
    draws: Counter[int] = field(default_factory=Counter)

    def __contains__(self, number: int) -> bool:
        return number in self.numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, number: int) -> None:
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
    """The next draw, whole; None when its anchor has no partner left, its pair was drawn by another strategy, or nothing is left."""
    facts = len(space.vectors)
    before = epoch.cover(facts).meet(turns_of(strategies, facts, len(space.questions)))
    proposing = ProposalModel(
        before,
        facts,
        space.questions,
        strategies,
        drawn,
        len({*space.hidden, *space.clearances}),
        may_see,
    )
    found = before.claim("a", NOW, proposing.turns())
    if found is None:
        return before, None
    after, claim = found
    whole = with_pair(space, proposing, claim)
    if (
        whole is None
        or whole.number is None
        or whole.number in drawn
        or space.closed(whole.number, may_see)
    ):
        return after.drop(claim), None
    drawn.add(whole.number)
    return after.done(whole), whole


def with_pair(space: FactSpace, proposing: ProposalModel, claim: Claim) -> Claim | None:
    """As the service does it, with the memory at hand."""
    if claim.number is None:
        ordinal = proposing.anchor_of(claim)
        found = space.around([proposing.place(ordinal)])
        first = proposing.view(found.seen[0], found)
        number = proposing.choose(claim, first)
        if number is None:
            return None
        (other,) = {*ordinals_of(number)} - {ordinal}
        found = space.around([proposing.place(other, ordinal)])
        return proposing.settle(claim, number, first, proposing.view(found.seen[0], found))
    low, high = ordinals_of(claim.number)
    found = space.around([proposing.place(low, high), proposing.place(high, low)])
    return proposing.settle(
        claim,
        claim.number,
        proposing.view(found.seen[0], found),
        proposing.view(found.seen[1], found),
    )
