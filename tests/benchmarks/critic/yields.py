"""What a cascade finds and costs against judging everything with the best judge, in a scripted world with known hits.

The product's own arithmetic decides whom to ask next. It knows of the judges what 20 planted hits and 20 planted misses told it, judged by all (and once
more by the cheap ones), whose cost counts; it learns the line as it goes, from the hypotheses before, and promotes as it goes. So it promotes its quota
on average, not in every run: where it promoted more, the best judge may promote as many. Each world is run with several sets of planted hypotheses, since
much hangs on them. The ceiling is the same with judges that are known exactly, without the cost of measuring them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import mean_figure
from daydream_critic.cascade import Cascade
from daydream_critic.line import Line
from daydream_critic.panel import LABELS_MIN, Panel, panel_of_labels

FILE = "scripted-world.json"
CANARIES = LABELS_MIN  # of each kind: as many as it takes until judges count as measured
CALLS_MAX = (3, 3, 2)
HIT_USD = (1.5, 2.5, 3.5, 5.5)  # what one more hit may cost
CHOSEN_USD = 5.5
CEILING_USD = 2.0
PLANTINGS = 4
ROUNDING = 1 / 12  # variance of what rounding to whole scores adds
Array = NDArray[np.float64]


class Judged:
    """Hypotheses before judges: each call costs, and repeats the error of the first one in part."""

    def __init__(self, world: dict[str, Any], hits: NDArray[np.bool_], rng: np.random.Generator) -> None:
        judges = list(world["judges"].values())
        self.d_prime, self.centre, self.spread, self.usd = (
            np.array([judge[name] for judge in judges]) for name in ("d_prime", "center", "spread", "usd_per_call")
        )
        shared, self.repeats = world["noise_correlation"], world["repeat_correlation"]
        common = shared**0.5 * rng.standard_normal((len(hits), 1))
        self.errors = common + (1 - shared) ** 0.5 * rng.standard_normal((len(hits), len(judges)))
        self.asked = np.zeros_like(self.errors, bool)
        self.hits, self.rng, self.cost = hits, rng, 0.0

    def call(self, at: int, judge: int) -> float:
        """The printed score."""
        error = self.errors[at, judge]
        if self.asked[at, judge]:
            error = self.repeats * error + (1 - self.repeats**2) ** 0.5 * self.rng.standard_normal()
        self.asked[at, judge] = True
        self.cost += self.usd[judge]
        signal = self.d_prime[judge] * self.hits[at] + error
        return float(np.clip(np.round(self.centre[judge] + self.spread[judge] * signal), 1, 10))


class Outcome(NamedTuple):
    """Shares of the hits and of the cost of the best judge; how many were promoted; share of the hits if all were decided at the end; calls of each judge a
    hypothesis."""

    hits: float
    cost: float
    promoted: float
    at_the_end: float
    calls: tuple[float, ...]


def measure(file: Path, *, quick: bool) -> None:
    """Print share of hits and of cost, for several prices of a hit, for the chosen one under its own name, and the ceiling."""
    world = json.loads(file.read_text())
    seeds = world["seeds"][:4] if quick else world["seeds"]
    for usd in HIT_USD:
        shares = "cascade_hits_share", "cascade_cost_share"
        tell(shares if usd == CHOSEN_USD else tuple(f"{name}_at" for name in shares), [run(world, seed, usd) for seed in seeds], seeds, usd)
    tell(("cascade_hits_share_ceiling", "cascade_cost_share_ceiling"), [run(world, seed, CEILING_USD, known=True) for seed in seeds], seeds, CEILING_USD)


def tell(names: tuple[str, ...], found: list[Outcome], seeds: list[int], usd: float) -> None:
    """Print what came out of the worlds at one price of a hit."""
    mean = {name: round(float(np.mean([getattr(one, name) for one in found])), 3) for name in ("promoted", "at_the_end")}
    more = {"seeds": str(seeds), "hit_usd": usd, **mean, "calls_per_hypothesis": str(np.mean([one.calls for one in found], axis=0).round(2).tolist())}
    for name, values in zip(names, ([one.hits for one in found], [one.cost for one in found]), strict=True):
        mean_figure("critic", name, values, "share", **more)


def run(world: dict[str, Any], seed: int, hit_usd: float, *, known: bool = False) -> Outcome:
    """One world, mean over its plantings. `known`: the judges are known exactly."""
    rng = np.random.default_rng(seed)
    hits = rng.random(world["hypotheses"]) < world["hit_rate"]
    hits = hits[rng.random(len(hits)) >= world["duplicate_rate"]]  # the free gate stops duplicates in both ways of judging
    best = Judged(world, hits, rng)
    scores = np.array([best.call(at, int(np.argmax(best.usd))) for at in range(len(hits))]) + 1e-6 * rng.random(len(hits))
    found = [cascaded(world, best, np.argsort(-scores), hit_usd, np.random.default_rng([seed, planting]), known=known) for planting in range(PLANTINGS)]
    hits_share, cost, promoted, at_the_end, *calls = np.mean([(*one[:-1], *one.calls) for one in found], axis=0).tolist()
    return Outcome(hits_share, cost, promoted, at_the_end, tuple(calls))


def cascaded(world: dict[str, Any], best: Judged, order: NDArray[np.int64], hit_usd: float, rng: np.random.Generator, *, known: bool) -> Outcome:
    """The cascade over the hypotheses that the best judge puts in this order."""
    hits, quota = best.hits, int(world["quota"] * world["hypotheses"])
    judged = Judged(world, hits, rng)
    judged.errors = best.errors  # the same first answers
    panel, spent = (exact(world), 0.0) if known else measured(world, rng)
    cascade, line = Cascade(panel, tuple(judged.usd.tolist()), CALLS_MAX, hit_usd), Line(quota / len(hits))
    calls, ended, promoted = np.zeros(len(judged.usd)), np.zeros(len(hits)), np.zeros(len(hits), bool)
    for at in range(len(hits)):
        asked, ended[at], target = judge_one(cascade, judged, at, line)
        calls += asked
        promoted[at] = ended[at] > target
    theirs = hits[order[: max(quota, int(promoted.sum()))]].sum()
    at_the_end = hits[np.argsort(-ended)[:quota]].sum() / hits[order[:quota]].sum()
    return Outcome(float(hits[promoted].sum() / theirs), (judged.cost + spent) / best.cost, float(promoted.sum()), float(at_the_end), tuple(calls / len(hits)))


def measured(world: dict[str, Any], rng: np.random.Generator) -> tuple[Panel, float]:
    """What planted hypotheses tell of the judges, and what that cost."""
    truth = np.arange(2 * CANARIES) < CANARIES
    planted = Judged(world, truth, rng)
    every = range(len(truth)), range(len(planted.usd))
    values = np.array([[planted.call(at, judge) for judge in every[1]] for at in every[0]])
    cheap = planted.usd < planted.usd.max()
    again = np.array([[planted.call(at, judge) if cheap[judge] else np.nan for judge in every[1]] for at in every[0]])
    return panel_of_labels(values, truth, again), planted.cost


def exact(world: dict[str, Any]) -> Panel:
    """What is true of the judges: their errors, and what rounding adds to them."""
    d_prime, centre, spread = (np.array([judge[name] for judge in world["judges"].values()]) for name in ("d_prime", "center", "spread"))
    scale = (spread**2 + ROUNDING) ** 0.5
    kept = spread / scale
    correlations = world["noise_correlation"] * np.outer(kept, kept)
    np.fill_diagonal(correlations, 1.0)
    return Panel(d_prime * kept, correlations, world["repeat_correlation"] * kept**2, centre, scale)


def judge_one(cascade: Cascade, judged: Judged, at: int, line: Line) -> tuple[NDArray[np.int64], float, float]:
    """How often each judge was asked about a hypothesis, what came out, and what would have promoted it."""
    target, log_odds = line.value(cascade.panel), line.prior
    calls, sums = np.zeros(len(judged.usd), np.int64), np.zeros(len(judged.usd))
    while (judge := cascade.next(tuple(calls.tolist()), log_odds, target)) is not None:
        calls[judge] += 1
        sums[judge] += judged.call(at, judge)
        log_odds = cascade.panel.log_odds(sums / np.maximum(calls, 1), tuple(calls.tolist()), line.prior)
    line.add(log_odds)
    return calls, log_odds, target
