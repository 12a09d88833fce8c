"""How often each strategy draws true bridges and decoys, against uniform draws, across fields.

The memory is the corpus of `daydream bench`: notes of many fields without a question, each a
own document. Nothing was tuned on it. A judge with stated errors says what is promoted:
it keeps a bridge with `BRIDGE_KEPT`, a decoy with `DECOY_KEPT` and anything else with `OTHER_KEPT`.
So what the portfolio learns from is as wrong as real verdicts are. Uniform draws are not simulated:
they find their expectation.

Intervals are over items: bridges (or decoys) are drawn with replacement, and each counts as often
as all seeds found it.
"""

from __future__ import annotations

import asyncio

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import interval_figure
from daydream_console.bench.corpus import BenchCorpus, BenchPair, load_corpus
from daydream_contracts.events import FactKind
from daydream_memory.minilm_embedder import MiniLM
from daydream_sampler.claim import UNIFORM
from daydream_sampler.epoch import Epoch
from daydream_sampler.pair_numbers import pair_count, pair_number
from daydream_sampler.portfolio import next_round
from daydream_sampler.portfolio_round import PortfolioRound
from daydream_sampler.settings import SamplerSettings
from daydream_sampler.simulation.draws import FactSpace, LocalPairs, draw
from daydream_sampler.strategies.registry import load_strategies
from daydream_sampler.strategy_history import StrategyHistory
from support.message_builders import verdict_on

DRAWS, SEEDS, QUICK_SEEDS = 200, 20, 2
FIRST_SEED = 1000  # constants were tuned with seeds below 100
PLAIN_NOTES = 300
FLOOR = 0.1
FOREVER = 2**60
BRIDGE_KEPT, DECOY_KEPT, OTHER_KEPT = 0.5, 0.2, 0.05
PORTFOLIO = "portfolio"
ALONE = (
    "stratified",
    "importance",
    "unseen",
    "learned",
    "reservoir",
)  # the others need questions or verdicts
Array = NDArray[np.float64]


def draws_over_uniform(quick: bool) -> None:
    """Print bridges and decoys over uniform, for each strategy and for the shipped portfolio."""
    corpus = load_corpus()
    space, place_of = embedded(corpus)
    kinds = {
        "bridges": [number_of(pair, place_of) for pair in corpus.bridges],
        "decoys": [number_of(pair, place_of) for pair in corpus.decoys],
    }
    uniform = DRAWS / pair_count(len(space.vectors))  # expected draws of one pair
    seeds = range(FIRST_SEED, FIRST_SEED + (QUICK_SEEDS if quick else SEEDS))
    for name in (*ALONE, PORTFOLIO):
        drawn = [numbers_drawn(name, space, kinds, seed) for seed in seeds]
        for kind, numbers in kinds.items():
            draw_shares = [sum(number in run for run in drawn) / len(drawn) for number in numbers]
            interval_figure(
                "daydream",
                f"{kind}_over_uniform" if name == PORTFOLIO else f"{kind}_over_uniform_{name}",
                [draw_share / uniform for draw_share in draw_shares],
                lambda ratios: sum(ratios) / len(ratios),
                "times",
                strategy=name,
                facts=len(space.vectors),
                draws=DRAWS,
                seeds=str(seeds),
                judge=f"keeps bridges {BRIDGE_KEPT}, decoys {DECOY_KEPT}, others {OTHER_KEPT}",
            )


def embedded(corpus: BenchCorpus) -> tuple[FactSpace, dict[str, int]]:
    """Return the memory, and the place of each note in it."""
    notes = corpus.notes(PLAIN_NOTES)
    vectors = np.stack(asyncio.run(MiniLM(2).embed([note.text for note in notes])))
    places = {note.note_id: place for place, note in enumerate(notes)}
    sources = [str(place) for place in range(len(notes))]
    kinds = [FactKind.DOCUMENT] * len(notes)
    domains = {place: note.domain for place, note in enumerate(notes)}
    return FactSpace(vectors, sources, kinds, domains=domains), places


def number_of(pair: BenchPair, place_of: dict[str, int]) -> int:
    """Return the number of a pair of notes."""
    return pair_number(place_of[pair.first.note_id], place_of[pair.second.note_id])


def numbers_drawn(
    name: str, space: FactSpace, kinds: dict[str, list[int]], seed: int
) -> frozenset[int]:
    """Return the numbers of the first pairs that a strategy, or the portfolio, draws."""
    names = SamplerSettings().strategies if name == PORTFOLIO else (name,)
    strategies = load_strategies(names)
    start = PortfolioRound()
    if name not in (PORTFOLIO, "learned"):  # these learn, so their rounds begin again
        start = PortfolioRound(number=1, until=FOREVER, shares={UNIFORM: FLOOR, name: 1 - FLOOR})
    rng = np.random.default_rng(seed)
    kept = {
        **dict.fromkeys(kinds["decoys"], DECOY_KEPT),
        **dict.fromkeys(kinds["bridges"], BRIDGE_KEPT),
    }
    epoch, history, pairs = Epoch(key=f"{seed:x}", round=start), StrategyHistory(), LocalPairs()
    tries = 0
    while len(pairs) < DRAWS and tries < 10 * DRAWS:
        tries += 1
        if epoch.drawn >= epoch.round.until:
            update = {"round": next_round(epoch, strategies, history, floor=FLOOR)}
            epoch = epoch.model_copy(update=update)
        epoch, claim = draw(space, epoch, strategies, pairs)
        if claim is not None and claim.number is not None:
            is_promoted = bool(rng.random() < kept.get(claim.number, OTHER_KEPT))
            history.add(len(pairs), verdict_on(claim, promoted=is_promoted))
    return frozenset(pairs.numbers)
