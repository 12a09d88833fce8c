"""How many of the pairs that scientists really joined are among the first draws, against what uniform draws are expected to find.

Draws are the product's own: its epoch, strategies, probabilities and portfolio, over a memory of questions and papers, without NATS in
between. `anchored` is told which facts are questions; `importance` is not, and draws among all pairs of the mixed memory; `portfolio`
begins with everything that is switched on by default and learns from what it finds.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from benchmarks.figures import mean_figure
from benchmarks.sampler.worlds import Joined, corpora, read_joined
from daydream_contracts.events import FactKind
from daydream_memory.embedding import MiniLM
from daydream_memory.store import Vector
from daydream_models.provider import ModelProvider
from daydream_models.settings import ModelSettings
from daydream_sampler.claim import UNIFORM, Claim
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import ordinals_of
from daydream_sampler.portfolio import next_round
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.simulation.draws import FactSpace, LocalPairs, draw
from daydream_sampler.strategies.interface import Strategy
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import StrategyHistory
from support.samples import verdict_on

DRAWS = 200
SEEDS = 20
FLOOR = 0.1
FOREVER = 2**60
BATCH = 32


@dataclass(frozen=True)
class Other:
    """Another embedding model, at an endpoint."""

    url: str
    model: str

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Unit vectors of the texts."""
        endpoint = ModelProvider(
            ModelSettings(
                name=self.model,
                base_url=self.url,
                api_key=SecretStr(os.environ.get("OPENAI_API_KEY", "")),
                timeout_s=600,
            )
        )
        found = [
            vector
            for start in range(0, len(texts), BATCH)
            for vector in (await endpoint.embed(texts[start : start + BATCH])).vectors
        ]
        await endpoint.close()
        matrix = np.array(found, np.float32)
        return list(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


def measure(table: Path, *, quick: bool, other: Other | None = None) -> None:
    """Print the figures of every corpus beside the table, with the embedded model or another one."""
    found = corpora(table)
    for corpus in found:
        joined = read_joined(table, corpus)
        space = embedded(joined, other)
        seeds = 4 if quick else SEEDS
        for way, names, portfolio in (
            ("", ["anchored"], False),
            ("mixed_", ["importance"], False),
            ("portfolio_", SamplerSettings().strategies, True),
        ):
            hits = [
                hits_of(joined, space, load_strategies(names), seed, portfolio=portfolio)
                for seed in range(seeds)
            ]
            # asked about questions × papers, uniform draws have fewer pairs to miss: that is the stricter measure, except where nothing is told
            pairs = joined.pairs if way != "mixed_" else math.comb(len(space.vectors), 2)
            expected = DRAWS * len(joined.planted) / pairs
            more = {
                "corpus": corpus.name,
                "pairs": pairs,
                "planted": len(joined.planted),
                "expected_of_uniform": round(expected, 3),
                "draws": DRAWS,
            }
            name = (
                f"moose_{way}hits_ratio_{DRAWS}"
                if corpus == headline(found)
                else f"moose_{way}hits_ratio_{DRAWS}_of_{len(joined.papers)}"
            )
            name += "_other_model" if other else ""
            more["embedding_model"] = other.model if other else MiniLM.model
            mean_figure("sampler", name, [count / expected for count in hits], "times", **more)


def headline(found: Sequence[Path]) -> Path:
    """The corpus of 300 where it is there, else the largest."""
    return next((one for one in found if one.stem.endswith("_300")), found[-1])


def embedded(joined: Joined, other: Other | None = None) -> FactSpace:
    """The memory, with the questions first, as the embedded model sees it, or another one."""
    texts = [*joined.questions, *joined.papers]
    vectors = np.stack(asyncio.run((other or MiniLM(2)).embed(texts)))
    kinds = [FactKind.QUESTION] * len(joined.questions) + [FactKind.DOCUMENT] * len(joined.papers)
    return FactSpace(vectors, [str(place) for place in range(len(texts))], kinds)


def hits_of(
    joined: Joined, space: FactSpace, strategies: dict[str, Strategy], seed: int, *, portfolio: bool
) -> int:
    """Of so many draws, those of a planted pair."""
    first_paper = len(joined.questions)
    planted = {(question, first_paper + paper) for question, paper in joined.planted}
    shares = {UNIFORM: FLOOR, **dict.fromkeys(strategies, (1 - FLOOR) / len(strategies))}
    start = (
        PortfolioRound() if portfolio else PortfolioRound(number=1, until=FOREVER, shares=shares)
    )
    return sum(
        drawn(
            space,
            Epoch(key=f"{seed:x}", round=start),
            strategies,
            lambda claim: ordinals_of(claim.number or 0) in planted,
        )
    )


def drawn(
    space: FactSpace, epoch: Epoch, strategies: dict[str, Strategy], hit: Callable[[Claim], bool]
) -> list[bool]:
    """Which of the first draws hit; when the round is over, the portfolio makes the next one from what was found."""
    yields, pairs, found = StrategyHistory(), LocalPairs(), list[bool]()
    while len(found) < DRAWS:
        if epoch.drawn >= epoch.round.until:
            epoch = epoch.model_copy(
                update={"round": next_round(epoch, strategies, yields, floor=FLOOR)}
            )
        epoch, claim = draw(space, epoch, strategies, pairs)
        if claim is not None:
            found.append(hit(claim))
            yields.add(len(found), verdict_on(claim, promoted=found[-1]))
    return found
