"""Does the table of `daydream bench` return a known ratio within its interval?

Arms of known rates, a matching judge of known errors. The record passes through what the command
computes its table with. Several worlds, 100 seeds each. The value is the lowest coverage of all.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks.figures import figure
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import assess
from support.planted_bench import FakeMatchingJudge, PlantedWorld, planted_record

SEEDS = 100
QUICK_SEEDS = 20
WORLDS = {
    "ratio 1, one run": PlantedWorld(1, reach=0.1),
    "ratio 4, one run": PlantedWorld(4),
    "ratio 4, three runs": PlantedWorld(4, reach=0.04, runs=3),
    "ratio 10, one run": PlantedWorld(10),
    "ratio 4, a poor matching judge": PlantedWorld(
        4, reach=0.06, sensitivity=0.7, specificity=0.85
    ),
    "ratio 3, bridges of very unequal ease": PlantedWorld(3, reach=0.06, spread=0.8),
}


def bench_ratio(quick: bool) -> None:
    """Print the coverage of the ratio's 95 % interval."""
    seeds = QUICK_SEEDS if quick else SEEDS
    coverages = {name: coverage(world, seeds) for name, world in WORLDS.items()}
    worlds = ", ".join(f"{name}: {share}" for name, share in coverages.items())
    lowest = [min(coverages.values())]
    figure("daydream", "bench_ratio_coverage", lowest, "share", seeds=seeds, worlds=worlds)


def coverage(world: PlantedWorld, seeds: int) -> float:
    """Return the share of seeds whose interval contains the known ratio."""
    with ProcessPoolExecutor() as pool:
        return sum(pool.map(partial(_holds, world), range(seeds))) / seeds


def _holds(world: PlantedWorld, seed: int) -> bool:
    corpus = load_corpus()
    judge = FakeMatchingJudge(corpus, world.sensitivity, world.specificity, seed)
    ratio = asyncio.run(assess(planted_record(world, corpus, seed), corpus, judge)).ratio
    return ratio is not None and ratio.low <= world.ratio <= ratio.high
