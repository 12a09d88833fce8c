"""How often each strategy draws true bridges and decoys, against uniform draws, across fields.

The memory is the corpus of `daydream bench`: notes of many fields without a question, each its own
document without a domain, as the arms read them. A judge with stated errors says what is promoted
(`support.scripted_judge`). Uniform draws are not simulated: they find their expectation.

Figures are of all bridges and decoys, and of the held-out half of both: every second one.
Parameters are chosen on the other half. Intervals are over items: bridges (or decoys) are drawn
with replacement, and each counts as often as all seeds found it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.figures import interval_figure, ratio_interval_figure
from daydream_console.bench.corpus import BenchCorpus, BenchPair, load_corpus
from daydream_contracts.events import FactKind
from daydream_memory.minilm_embedder import MiniLM
from daydream_sampler.pair_numbers import pair_count, pair_number
from daydream_sampler.simulation.draws import FactSpace
from support.scripted_judge import DECOY, GOOD, PORTFOLIO, ScriptedJudge, judged_draws

DRAWS, SEEDS, QUICK_SEEDS = 200, 20, 2
FIRST_SEED = 1000  # constants were tuned with seeds below 100
PLAIN_NOTES = 300
# anchored and recheck need questions or verdicts
ALONE = ("importance", "learned", "reservoir", "stratified", "unseen")
KINDS = {"bridges": GOOD, "decoys": DECOY}


def draws_over_uniform(quick: bool) -> None:
    """Print bridges and decoys over uniform, for each strategy and for the shipped portfolio."""
    corpus = load_corpus()
    space, place_of = embedded(corpus)
    numbers = {
        "bridges": [number_of(pair, place_of) for pair in corpus.bridges],
        "decoys": [number_of(pair, place_of) for pair in corpus.decoys],
    }
    kinds = {number: KINDS[kind] for kind, own in numbers.items() for number in own}
    seeds = range(FIRST_SEED, FIRST_SEED + (QUICK_SEEDS if quick else SEEDS))
    for name in (*ALONE, PORTFOLIO):
        drawn = [frozenset(judged_draws(name, space, kinds, seed, DRAWS)) for seed in seeds]
        for suffix, step in (("", slice(None)), ("_held_out", slice(1, None, 2))):
            own = {kind: rates_of(drawn, of_kind[step]) for kind, of_kind in numbers.items()}
            _print(name, suffix, own, len(space.vectors), str(seeds))


def rates_of(drawn: Sequence[frozenset[int]], numbers: Sequence[int]) -> list[float]:
    """Return in which share of the runs each pair was drawn."""
    return [sum(number in run for run in drawn) / len(drawn) for number in numbers]


def _print(name: str, suffix: str, rates: dict[str, list[float]], facts: int, seeds: str) -> None:
    uniform = DRAWS / pair_count(facts)  # expected draws of one pair
    strategy = "" if name == PORTFOLIO else f"_{name}"
    details: dict[str, Any] = {
        "strategy": name,
        "facts": facts,
        "draws": DRAWS,
        "seeds": seeds,
        "judge": str(ScriptedJudge()),
    }
    for kind, own in rates.items():
        interval_figure(
            "daydream",
            f"{kind}_over_uniform{strategy}{suffix}",
            [rate / uniform for rate in own],
            lambda ratios: sum(ratios) / len(ratios),
            "times",
            **details,
        )
    ratio_interval_figure(
        "daydream",
        f"bridges_per_decoy{strategy}{suffix}",
        rates["bridges"],
        rates["decoys"],
        "ratio",
        **details,
    )


def embedded(corpus: BenchCorpus) -> tuple[FactSpace, dict[str, int]]:
    """Return the memory, and the place of each note in it."""
    notes = corpus.notes(PLAIN_NOTES)
    vectors = np.stack(asyncio.run(MiniLM(2).embed([note.text for note in notes])))
    places = {note.note_id: place for place, note in enumerate(notes)}
    sources = [str(place) for place in range(len(notes))]
    kinds = [FactKind.DOCUMENT] * len(notes)
    return FactSpace(vectors, sources, kinds), places


def number_of(pair: BenchPair, place_of: dict[str, int]) -> int:
    """Return the number of a pair of notes."""
    return pair_number(place_of[pair.first.note_id], place_of[pair.second.note_id])
