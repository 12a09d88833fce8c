"""Count the pairs that scientists really joined among the first draws, and the decoys, against
uniform draws. The decoys of a question are the papers that share the most rare words with it and
that it was not joined with: as many as it was joined with.

Draws are the product's own: its epoch, strategies, probabilities and portfolio, over a memory of
questions and papers, without NATS. `anchored` knows which facts are questions. `importance` does
not, and draws among all pairs of the mixed memory. `portfolio` begins with all default strategies
and learns from what it finds.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import SecretStr

from benchmarks.figures import interval_figure, ratio_of_sums
from benchmarks.sampler.shared_words import SharedWords
from benchmarks.sampler.worlds import Joined, corpora, headline, held_out, read_joined
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.provider import EMBEDDINGS_PATH, Provider
from daydream_contracts.events import FactKind
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.store import Vector
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
from support.message_builders import verdict_on

DRAWS = 200
SEEDS = 20
FIRST_SEED = 1000  # parameters were tuned with seeds below 100
FLOOR = 0.1
FOREVER = 2**60
BATCH = 32
Link = tuple[int, int]  # a question and a paper, by position


@dataclass(frozen=True)
class EndpointModel:
    """An embedding model at an endpoint, instead of the bundled one."""

    url: str
    model: str

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return unit vectors of the texts."""
        key = SecretStr(os.environ.get("OPENAI_API_KEY", ""))
        provider = Provider(ProviderConfig(base_url=self.url, api_key=key, timeout_s=600))
        vectors = []
        for start in range(0, len(texts), BATCH):
            body = {"model": self.model, "input": list(texts[start : start + BATCH])}
            reply = await provider.attempt(EMBEDDINGS_PATH, body)
            vectors += [row["embedding"] for row in reply.body["data"]]
        await provider.close()
        matrix = np.array(vectors, np.float32)
        return list(matrix / np.linalg.norm(matrix, axis=1, keepdims=True))


def measure(table: Path, *, quick: bool, other: EndpointModel | None = None) -> None:
    """Print the figures of every corpus beside the table, with the bundled model or `other`.

    Each is printed for all questions, and for the held-out half with half as many draws.
    """
    all_corpora = corpora(table)
    for corpus in all_corpora:
        joined = read_joined(table, corpus)
        suffix = "" if corpus == headline(table) else f"_of_{len(joined.papers)}"
        suffix += "_other_model" if other else ""
        space = embedded(joined, other)
        _print_ratios(joined, space, f"_{DRAWS}{suffix}", DRAWS, quick)
        half, draws = held_out(joined), DRAWS // 2
        _print_ratios(
            half, space_of(half, joined, space), f"_{draws}{suffix}_held_out", draws, quick
        )


def _print_ratios(joined: Joined, space: FactSpace, suffix: str, draws: int, quick: bool) -> None:
    seeds = range(FIRST_SEED, FIRST_SEED + (4 if quick else SEEDS))
    decoys = decoys_of(joined)
    for prefix, names, portfolio in (
        ("", ["anchored"], False),
        ("mixed_", ["importance"], False),
        ("portfolio_", SamplerSettings().strategies, True),
    ):
        runs = [
            drawn_pairs(joined, space, load_strategies(names), seed, draws, portfolio=portfolio)
            for seed in seeds
        ]
        # Uniform draws over questions × papers have fewer pairs to miss: the stricter measure.
        # Where the strategy does not know the questions, uniform draws are over all pairs.
        pairs = joined.pairs if prefix != "mixed_" else math.comb(len(space.vectors), 2)
        expected = draws * joined.links_per_question / pairs
        for kind, links in (("hits", joined.links), ("decoys", decoys)):
            by_seed = np.array([by_question(run, links, len(joined.questions)) for run in runs])
            interval_figure(
                "sampler",
                f"moose_{prefix}{kind}_ratio{suffix}",
                list(zip(by_seed.mean(axis=0).tolist(), expected.tolist(), strict=True)),
                ratio_of_sums,
                "times",
                interval="over questions",
                questions=len(joined.questions),
                papers=len(joined.papers),
                pairs=pairs,
                joined=len(joined.links),
                expected_of_uniform=round(float(expected.sum()), 3),
                draws=draws,
                seeds=str(seeds),
                standard_error_of_seeds=round(
                    float(by_seed.sum(axis=1).std(ddof=1) / len(by_seed) ** 0.5 / expected.sum()),
                    3,
                ),
            )


def decoys_of(joined: Joined) -> frozenset[Link]:
    """Return the decoys of each question."""
    first_paper = len(joined.questions)
    shared = SharedWords([*joined.questions, *joined.papers])
    decoys = set[Link]()
    for question, count in enumerate(joined.links_per_question.astype(int).tolist()):
        others = [at for at in range(len(joined.papers)) if (question, at) not in joined.links]
        weights = {at: shared.weight((question, first_paper + at)) for at in others}
        others.sort(key=weights.__getitem__, reverse=True)
        decoys.update((question, paper) for paper in others[:count])
    return frozenset(decoys)


def by_question(run: Sequence[Link], links: frozenset[Link], questions: int) -> list[int]:
    """Count the drawn links, by question."""
    counts = Counter(question for question, paper in run if (question, paper) in links)
    return [counts[question] for question in range(questions)]


def space_of(half: Joined, joined: Joined, space: FactSpace) -> FactSpace:
    """Return the part of a memory that has these questions, and all papers."""
    place = {text: at for at, text in enumerate(joined.questions)}
    rows = [place[text] for text in half.questions]
    rows += range(len(joined.questions), len(space.vectors))
    sources = [str(at) for at in range(len(rows))]
    return FactSpace(space.vectors[rows], sources, [space.kinds[row] for row in rows])


def embedded(joined: Joined, other: EndpointModel | None = None) -> FactSpace:
    """Return the memory, with the questions first, embedded with the bundled model or `other`."""
    texts = [*joined.questions, *joined.papers]
    vectors = np.stack(asyncio.run((other or MiniLM(2)).embed(texts)))
    kinds = [FactKind.QUESTION] * len(joined.questions) + [FactKind.DOCUMENT] * len(joined.papers)
    return FactSpace(vectors, [str(place) for place in range(len(texts))], kinds)


def drawn_pairs(
    joined: Joined,
    space: FactSpace,
    strategies: dict[str, Strategy],
    seed: int,
    draws: int,
    *,
    portfolio: bool,
) -> list[Link]:
    """Return the draws of a question and a paper, which may be joined or not."""
    first_paper = len(joined.questions)
    links = {(question, first_paper + paper) for question, paper in joined.links}
    shares = {UNIFORM: FLOOR, **dict.fromkeys(strategies, (1 - FLOOR) / len(strategies))}
    start = (
        PortfolioRound() if portfolio else PortfolioRound(number=1, until=FOREVER, shares=shares)
    )
    draws_of_run = drawn(
        space,
        Epoch(key=f"{seed:x}", round=start),
        strategies,
        lambda claim: ordinals_of(claim.number or 0) in links,
        draws,
    )
    pairs = [ordinals_of(number) for number, _ in draws_of_run]
    return [
        (first, second - first_paper) for first, second in pairs if first < first_paper <= second
    ]


def drawn(
    space: FactSpace,
    epoch: Epoch,
    strategies: dict[str, Strategy],
    is_hit: Callable[[Claim], bool],
    draws: int,
    is_promoted: Callable[[bool], bool] = bool,
) -> list[tuple[int, bool]]:
    """Return the numbers of the first pairs, and whether each is a hit.

    After each round the portfolio learns from what the judge promotes: the hits, unless
    `is_promoted` errs.
    """
    history, pairs, hits = StrategyHistory(), LocalPairs(), list[tuple[int, bool]]()
    while len(hits) < draws:
        if epoch.drawn >= epoch.round.until:
            epoch = epoch.model_copy(
                update={"round": next_round(epoch, strategies, history, floor=FLOOR)}
            )
        epoch, claim = draw(space, epoch, strategies, pairs)
        if claim is not None:
            assert claim.number is not None
            hits.append((claim.number, is_hit(claim)))
            history.add(len(hits), verdict_on(claim, promoted=is_promoted(hits[-1][1])))
    return hits
