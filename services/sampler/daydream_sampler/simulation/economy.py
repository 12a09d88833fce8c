"""A toy economy of ideas, to show what write-back does.

After Jones (2021), "Recipes and Economic Growth: A Combinatorial March Down an Exponential Tail".

Facts are ingredients, pairs are recipes. Whether a recipe is good is luck that is fixed from the
beginning, and more likely the closer the two facts are: the chance of a hit is exponential in their
closeness. A period pays for a number of draws, made by the product's own strategies with their own
probabilities. Perfect critics find out which are hits. Without write-back the good recipes are used
up, the best first, and hits fall. With write-back each hit is a new ingredient beside its parents.
Recipes grow with the square of the ingredients, and hits do not fall.

It shows what the loop does when the critics are right. It says nothing about how often models have
ideas.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import FactKind
from daydream_sampler.claim import UNIFORM
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.simulation.draws import FactSpace, LocalPairs, draw
from daydream_sampler.strategies.registry import load_strategies

DIMENSION = 16
CHANCE_MAX = 0.5  # of a hit, however close
CLOSE = 3.0  # standard deviations above unrelated at which it is reached
OWN_THOUGHT = (
    0.9  # how far an insight is from the middle of its parents, as a share of their length
)
FOREVER = 2**60


@dataclass(frozen=True)
class EconomyParams:
    """The parameters: `facts` at the beginning, `draws` in each of the `periods`.

    `floor` is the share of uniform draws. The rest are by importance.
    """

    facts: int = 150
    draws: int = 100
    periods: int = 25
    floor: float = 0.1
    generated_share_max: float = 1.0


def simulate(params: EconomyParams, seed: int, *, write_back: bool) -> list[int]:
    """Return the hits of each period; fewer periods when all pairs are drawn."""
    economy = _Economy(params, seed)
    hits_by_period = list[int]()
    for _ in range(params.periods):
        hits, is_exhausted = economy.period()
        hits_by_period.append(len(hits))
        if is_exhausted:
            break
        if write_back:
            economy.write_back(hits)
    return hits_by_period


@dataclass
class _Economy:
    params: EconomyParams
    seed: int
    parents: dict[int, tuple[int, ...]] = field(default_factory=dict)
    drawn: LocalPairs = field(default_factory=LocalPairs)

    def __post_init__(self) -> None:
        self._rng = np.random.default_rng(self.seed)
        rows = self._rng.standard_normal((self.params.facts, DIMENSION))
        self._vectors = [_unit(row) for row in rows]
        self._epoch = Epoch(key=f"{self.seed:x}")
        self._strategies = load_strategies(["importance"])

    def period(self) -> tuple[list[tuple[int, int]], bool]:
        """Make the draws of a period. Return its hits, and whether all pairs are drawn."""
        space = self._space()
        hits, end = list[tuple[int, int]](), self._epoch.drawn + self.params.draws
        while self._epoch.drawn < end:
            before = self._epoch = self._epoch.model_copy(update={"round": self._round()})
            self._epoch, claim = draw(space, before, self._strategies, self.drawn)
            if claim is None:
                if self._epoch.claimed == before.claimed:
                    return hits, True
            elif claim.number is not None and is_hit(space, claim.number, self.seed):
                hits.append(ordinals_of(claim.number))
        return hits, False

    def write_back(self, hits: list[tuple[int, int]]) -> None:
        """Add a fact near the middle of the parents of each hit."""
        for first, second in hits:
            self.parents[len(self._vectors)] = (first, second)
            thought = OWN_THOUGHT * self._rng.standard_normal(DIMENSION) / DIMENSION**0.5
            self._vectors.append(_unit(self._vectors[first] + self._vectors[second] + thought))

    def _round(self) -> PortfolioRound:
        floor = self.params.floor
        generated_max = self.params.generated_share_max * max(1, self._epoch.drawn)
        return PortfolioRound(
            number=self._epoch.claimed,
            until=FOREVER,
            shares={UNIFORM: floor, "importance": 1 - floor},
            generated=self._epoch.generated < generated_max,
        )

    def _space(self) -> FactSpace:
        ordinals = range(len(self._vectors))
        return FactSpace(
            np.array(self._vectors),
            [str(ordinal) for ordinal in ordinals],
            [FactKind.INSIGHT if at in self.parents else FactKind.DOCUMENT for at in ordinals],
            parents=dict(self.parents),
        )


def is_hit(space: FactSpace, number: int, seed: int) -> bool:
    """Return whether a recipe is good; the same at every call.

    An insight with one of its parents says nothing new.
    """
    first, second = ordinals_of(number)
    if space.are_related(first, second):
        return False
    cosine = float(space.vectors[first] @ space.vectors[second])
    closeness = (cosine - space.median) / space.spread
    digest = hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest()
    luck = int.from_bytes(digest, "big") / 2**64
    return luck < CHANCE_MAX * min(1.0, float(np.exp(closeness - CLOSE)))


def _unit(vector: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
