"""Does the table of `daydream bench` return a known ratio within its interval?

Arms of known rates, a matching judge of known errors. The record passes through what the command
computes its table with. Several cases, 100 seeds each. The value is the lowest coverage of all.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from benchmarks.figures import figure
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import assess
from support.known_rates import FakeMatchingJudge, KnownRates, record_with_known_rates

SEEDS = 100
QUICK_SEEDS = 20
CASES = {
    "ratio 1, one run": KnownRates(1, reach=0.1),
    "ratio 4, one run": KnownRates(4),
    "ratio 4, three runs": KnownRates(4, reach=0.04, runs=3),
    "ratio 10, one run": KnownRates(10),
    "ratio 4, a poor matching judge": KnownRates(4, reach=0.06, sensitivity=0.7, specificity=0.85),
    "ratio 3, bridges of very unequal ease": KnownRates(3, reach=0.06, spread=0.8),
}


def bench_ratio(quick: bool) -> None:
    """Print the coverage of the ratio's 95 % interval."""
    seeds = QUICK_SEEDS if quick else SEEDS
    coverages = {name: coverage(rates, seeds) for name, rates in CASES.items()}
    cases = ", ".join(f"{name}: {share}" for name, share in coverages.items())
    lowest = [min(coverages.values())]
    figure("daydream", "bench_ratio_coverage", lowest, "share", seeds=seeds, cases=cases)


def coverage(rates: KnownRates, seeds: int) -> float:
    """Return the share of seeds whose interval contains the known ratio."""
    with ProcessPoolExecutor() as pool:
        return sum(pool.map(partial(_holds, rates), range(seeds))) / seeds


def _holds(rates: KnownRates, seed: int) -> bool:
    corpus = load_corpus()
    judge = FakeMatchingJudge(corpus, rates.sensitivity, rates.specificity, seed)
    ratio = asyncio.run(assess(record_with_known_rates(rates, corpus, seed), corpus, judge)).ratio
    return ratio is not None and ratio.low <= rates.ratio <= ratio.high
