"""A toy economy of ideas, after Jones (2021, "Recipes and Economic Growth: A Combinatorial March Down an Exponential Tail").

Facts are ingredients, pairs are recipes. Whether a recipe is good is luck that is fixed from the beginning, and luckier the closer the two are: the
chance of a hit is exponential in their closeness. A period pays for so many draws, made by the product's own strategies with its own
probabilities, and perfect critics find out which are hits. Without write-back the good recipes of a fixed larder are used up, the best first, and hits
fall. With write-back each hit is a new ingredient beside its parents, recipes grow with the square of the ingredients, and hits don't fall.

It shows what the loop does when the critics are right. It says nothing about how often models have ideas.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from daydream_contracts.events import FactKind
from daydream_sampler.epoch import UNIFORM, Epoch, PortfolioRound, ordinals_of
from daydream_sampler.simulation.draws import FactSpace, LocalPairs, draw
from daydream_sampler.strategies.registry import chosen

DIMENSION = 16
CHANCE_MAX = 0.5  # of a hit, however close
CLOSE = 3.0  # standard deviations above unrelated at which it is reached
OWN_THOUGHT = (
    0.9  # how far an insight lies off the middle of its parents, as a share of their length
)
FOREVER = 2**60


@dataclass(frozen=True)
class EconomyParams:
    """What is set: `facts` at the beginning, `draws` in each of the `periods`; `floor` of them uniform, the rest by importance."""

    facts: int = 150
    draws: int = 100
    periods: int = 25
    floor: float = 0.1
    generated_share_max: float = 1.0


def live(world: EconomyParams, seed: int, *, write_back: bool) -> list[int]:
    """Hits in each period."""
    rng = np.random.default_rng(seed)
    vectors = [_unit(one) for one in rng.standard_normal((world.facts, DIMENSION))]
    parents: dict[int, tuple[int, ...]] = {}
    epoch, drawn, strategies = Epoch(key=f"{seed:x}"), LocalPairs(), chosen(["importance"])
    shares = {UNIFORM: world.floor, "importance": 1 - world.floor}
    found = list[int]()
    for _ in range(world.periods):
        kinds = [
            FactKind.INSIGHT if ordinal in parents else FactKind.DOCUMENT
            for ordinal in range(len(vectors))
        ]
        space = FactSpace(
            np.array(vectors),
            [str(ordinal) for ordinal in range(len(vectors))],
            kinds,
            parents=dict(parents),
        )
        hits, end = list[tuple[int, int]](), epoch.drawn + world.draws
        while epoch.drawn < end:
            machine_made = epoch.machine_made < world.generated_share_max * max(1, epoch.drawn)
            epoch = epoch.model_copy(
                update={
                    "round": PortfolioRound(
                        number=epoch.claimed,
                        until=FOREVER,
                        shares=shares,
                        machine_made=machine_made,
                    )
                }
            )
            before = epoch
            epoch, claim = draw(space, epoch, strategies, drawn)
            if (
                claim is not None
                and claim.number is not None
                and is_hit(space, parents, claim.number, seed)
            ):
                hits.append(ordinals_of(claim.number))
            elif claim is None and epoch.claimed == before.claimed:
                return [*found, len(hits)]  # every pair is drawn
        found.append(len(hits))
        for one, other in hits if write_back else ():
            parents[len(vectors)] = (one, other)
            vectors.append(
                _unit(
                    vectors[one]
                    + vectors[other]
                    + OWN_THOUGHT * rng.standard_normal(DIMENSION) / DIMENSION**0.5
                )
            )
    return found


def is_hit(space: FactSpace, parents: dict[int, tuple[int, ...]], number: int, seed: int) -> bool:
    """Whether a recipe is good: the same at every look. An insight with one of its own parents says nothing new."""
    one, other = ordinals_of(number)
    if one in parents.get(other, ()) or other in parents.get(one, ()):
        return False
    closeness = (float(space.vectors[one] @ space.vectors[other]) - space.median) / space.spread
    luck = (
        int.from_bytes(hashlib.blake2b(f"{seed}:{number}".encode(), digest_size=8).digest(), "big")
        / 2**64
    )
    return luck < CHANCE_MAX * min(1.0, float(np.exp(closeness - CLOSE)))


def _unit(vector: NDArray[np.float64] | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(vector / np.linalg.norm(vector), np.float32)
