"""What a cascade finds and costs against judging everything with the best judge, in a scripted world with known hits.

The product's own arithmetic decides whom to ask next. It knows of the judges what 20 planted hits and 20 planted misses told it, judged by all (and once
more by the cheap ones), whose cost counts; it learns the line as it goes, from the hypotheses before.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import mean_figure
from daydream_critic.cascade import Cascade
from daydream_critic.line import Line
from daydream_critic.panel import LABELS_MIN, panel_of_labels

FILE = "scripted-world.json"
CANARIES = LABELS_MIN  # of each kind: as many as it takes until judges count as measured
CALLS_MAX = (8, 8, 3)
HIT_USD = (1.0, 2.0, 4.0, 8.0)  # what one more hit may cost
CHOSEN_USD = 8.0
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


def measure(file: Path, *, quick: bool) -> None:
    """Print share of hits and of cost, for several prices of a hit, and for the chosen one under its own name."""
    world = json.loads(file.read_text())
    seeds = world["seeds"][:4] if quick else world["seeds"]
    for usd in HIT_USD:
        found = np.array([run(world, seed, usd) for seed in seeds])
        names = ("cascade_hits_share", "cascade_cost_share") if usd == CHOSEN_USD else ("cascade_hits_share_at", "cascade_cost_share_at")
        more = {"hit_usd": usd, "promoted": round(float(found[:, 2].mean()), 1), "calls_per_hypothesis": str(found[:, 3:].mean(axis=0).round(2).tolist())}
        for at, name in enumerate(names):
            mean_figure("critic", name, found[:, at].tolist(), "share", **more)


def run(world: dict[str, Any], seed: int, hit_usd: float) -> tuple[float, ...]:
    """Share of hits, share of cost, how many were promoted, calls of each judge a hypothesis."""
    rng = np.random.default_rng(seed)
    hits = rng.random(world["hypotheses"]) < world["hit_rate"]
    hits = hits[rng.random(len(hits)) >= world["duplicate_rate"]]  # the free gate stops duplicates in both ways of judging
    quota = int(world["quota"] * world["hypotheses"])
    before = Judged(world, hits, rng)
    best = int(np.argmax(before.usd))
    scores = np.array([before.call(at, best) for at in range(len(hits))]) + 1e-6 * rng.random(len(hits))
    known = hits[np.argsort(-scores)[:quota]].sum(), before.cost

    judged = Judged(world, hits, rng)
    judged.errors = before.errors  # the same first answers
    truth = np.arange(2 * CANARIES) < CANARIES
    canaries = Judged(world, truth, rng)
    values = np.array([[canaries.call(at, judge) for judge in range(len(judged.usd))] for at in range(len(truth))])
    again = np.array([[canaries.call(at, judge) if judge != best else math.nan for judge in range(len(judged.usd))] for at in range(len(truth))])
    cascade = Cascade(panel_of_labels(values, truth, again), tuple(judged.usd.tolist()), CALLS_MAX, hit_usd)
    line = Line(quota / len(hits))
    calls = np.zeros(len(judged.usd))
    promoted = []
    for at in range(len(hits)):
        asked, log_odds, target = judge_one(cascade, judged, at, line)
        calls += asked
        if log_odds > target:
            promoted.append(at)
    promoted = promoted[:quota]  # the baseline's number, no more
    return float(hits[promoted].sum() / known[0]), (judged.cost + canaries.cost) / known[1], float(len(promoted)), *(calls / len(hits))


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
