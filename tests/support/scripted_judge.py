"""A judge with stated errors, for figures of draws: what the sampler learns from is as wrong as
real verdicts are.

It promotes a good pair, a decoy and any other pair with its own probability. Canaries are judged by
it too, as in the product, so the sampler's correction for the judge's errors acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from daydream_contracts.events import Aggregation, Judgement, VerdictReached
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.portfolio import floor_shares, next_round
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.simulation.draws import FactSpace, LocalPairs, draw
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import StrategyHistory
from support.message_builders import verdict_on

PORTFOLIO = "portfolio"
LEARNING = (PORTFOLIO, "learned")  # their rounds end, so that they learn
GOOD, DECOY, OTHER = "good", "decoy", "other"
FOREVER = 2**60
TRIES_PER_DRAW = 10
CANARY_EVERY = round(1 / SamplerSettings().canary_share)
FLOOR = SamplerSettings().uniform_floor
JUDGEMENT = Judgement(
    judge="scripted", model="scripted", justification="", scores=None, self_judged=False
)


@dataclass(frozen=True)
class ScriptedJudge:
    """Which share of good pairs, decoys and other pairs it promotes."""

    good: float = 0.5
    decoy: float = 0.2
    other: float = 0.05

    def promotes(self, kind: str, rng: np.random.Generator) -> bool:
        """Return whether it promotes a pair of this kind."""
        return bool(rng.random() < {GOOD: self.good, DECOY: self.decoy, OTHER: self.other}[kind])

    def __str__(self) -> str:
        return f"promotes good pairs {self.good}, decoys {self.decoy}, others {self.other}"


def judged_draws(
    name: str,
    space: FactSpace,
    kinds: Mapping[int, str],
    seed: int,
    draws: int,
    judge: ScriptedJudge | None = None,
) -> list[int]:
    """Return the numbers of the first pairs that a strategy or the portfolio draws, in order.

    A strategy has all but the floor, which the portfolio divides by itself. `kinds`: of the pairs
    that are not `OTHER`, by number.
    """
    judge = judge or ScriptedJudge()
    names = SamplerSettings().strategies if name == PORTFOLIO else (name,)
    strategies = load_strategies(names)
    rng = np.random.default_rng(seed)
    history, pairs, numbers = StrategyHistory(), LocalPairs(), list[int]()
    epoch = Epoch(key=f"{seed:x}", round=_first_round(name))
    for _ in range(TRIES_PER_DRAW * draws):
        if len(numbers) == draws:
            break
        if epoch.drawn >= epoch.round.until:
            update = {"round": next_round(epoch, strategies, history, floor=FLOOR)}
            epoch = epoch.model_copy(update=update)
        epoch, claim = draw(space, epoch, strategies, pairs)
        if claim is None or claim.number is None:
            continue
        numbers.append(claim.number)
        kind = kinds.get(claim.number, OTHER)
        history.add(history.sequence + 1, judged(claim, space, promoted=judge.promotes(kind, rng)))
        if len(numbers) % CANARY_EVERY == 0:
            kind = (GOOD, DECOY)[len(numbers) // CANARY_EVERY % 2]
            canary = judged(claim, space, promoted=judge.promotes(kind, rng), canary=kind)
            history.add(history.sequence + 1, canary)
    return numbers


def _first_round(name: str) -> PortfolioRound:
    if name in LEARNING:
        return PortfolioRound()
    return PortfolioRound(
        number=1, until=FOREVER, shares={**floor_shares([UNIFORM], FLOOR), name: 1 - FLOOR}
    )


def judged(claim: Claim, space: FactSpace, *, promoted: bool, canary: str = "") -> VerdictReached:
    """Return the verdict on a draw, with the facts' own ordinals, sources and domains."""
    verdict = verdict_on(claim, promoted=promoted)
    proposed, (first, second) = verdict.hypothesis, ordinals_of(claim.number or 0)
    facts = {
        side: getattr(proposed.pair, side).model_copy(
            update={
                "ordinal": ordinal,
                "source": space.sources[ordinal],
                "domain": space.domains.get(ordinal, ""),
            }
        )
        for side, ordinal in (("first", first), ("second", second))
    }
    name = {GOOD: "bridge", DECOY: "decoy"}.get(canary, "")
    pair = proposed.pair.model_copy(update={**facts, "canary": name})
    return verdict.model_copy(
        update={
            "hypothesis": proposed.model_copy(update={"pair": pair}),
            "judgements": (JUDGEMENT,),
            "aggregation": Aggregation(rule="quota"),
        }
    )
