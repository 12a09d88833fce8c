"""What a cascade finds and costs against judging everything with the best judge, in a scripted world with known hits.

The product's own arithmetic decides whom to ask next. It knows of the judges what 20 planted hits and 20 planted misses told it, judged by all (and once
more by the cheap ones), whose cost counts; it learns the line as it goes, from the hypotheses before, and promotes as it goes. So it promotes its quota
on average, not in every run; the best judge promotes as many in each. `at_the_end` is what it would find if it decided of all at the end, as the best
judge does. Each world is run with several sets of planted hypotheses, since much hangs on them.
The ceiling is the same with judges that are known exactly, without the cost of measuring them. Where a server gives the probabilities of the tokens a score
is their mean, 6.8 instead of 7: measured with scores as they are before they are rounded, which is the most that this can bring.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.figures import mean_figure
from daydream_critic.stats.aggregation import LABELS_MIN, AggregationModel, model_from_labels
from daydream_critic.stats.quota_threshold import QuotaThreshold
from daydream_critic.stats.sequential_plan import SequentialPlan

FILE = "scripted-world.json"
CANARIES = LABELS_MIN  # of each kind: as many as it takes until judges count as measured
CALLS_MAX = (3, 3, 2)
HIT_USD = (1.5, 3.0, 5.0)  # what one more hit may cost
CHOSEN_USD = 5.0
CEILING_USD = 2.0
PLANTINGS = 8
ROUNDING = 1 / 12  # variance of what rounding to whole scores adds
Array = NDArray[np.float64]


class Judged:
    """Hypotheses before judges: each call costs, and repeats the error of the first one in part."""

    def __init__(
        self,
        world: dict[str, Any],
        hits: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        rounded: bool = True,
    ) -> None:
        self.rounded = rounded
        judges = list(world["judges"].values())
        self.d_prime, self.centre, self.spread, self.usd = (
            np.array([judge[name] for judge in judges])
            for name in ("d_prime", "center", "spread", "usd_per_call")
        )
        shared, self.repeats = world["noise_correlation"], world["repeat_correlation"]
        common = shared**0.5 * rng.standard_normal((len(hits), 1))
        self.errors = common + (1 - shared) ** 0.5 * rng.standard_normal((len(hits), len(judges)))
        self.asked = np.zeros_like(self.errors, bool)
        self.hits, self.rng, self.cost = hits, rng, 0.0

    def call(self, at: int, judge: int) -> float:
        """The printed score, or the expected one."""
        error = self.errors[at, judge]
        if self.asked[at, judge]:
            error = self.repeats * error + (1 - self.repeats**2) ** 0.5 * self.rng.standard_normal()
        self.asked[at, judge] = True
        self.cost += self.usd[judge]
        signal = self.d_prime[judge] * self.hits[at] + error
        score = self.centre[judge] + self.spread[judge] * signal
        return float(np.clip(np.round(score) if self.rounded else score, 1, 10))


class Outcome(NamedTuple):
    """Shares of the hits and of the cost of the best judge; how many were promoted; share of the hits if all were decided at the end; calls of each judge a
    hypothesis."""

    hits: float
    cost: float
    promoted: float
    at_the_end: float
    calls: tuple[float, ...]


def measure(file: Path, *, quick: bool) -> None:
    """Print share of hits and of cost, for several prices of a hit, for the chosen one under its own name; the ceiling; and with expected scores."""
    world = json.loads(file.read_text())
    seeds = world["seeds"][:4] if quick else world["seeds"]
    with ProcessPoolExecutor() as pool:
        for usd in HIT_USD:
            tell(
                "" if usd == CHOSEN_USD else "_at",
                list(pool.map(partial(run, world, usd_per_hit_max=usd), seeds)),
                seeds,
                usd,
            )
        tell(
            "_ceiling",
            list(pool.map(partial(run, world, usd_per_hit_max=CEILING_USD, known=True), seeds)),
            seeds,
            CEILING_USD,
        )
        tell(
            "_expected",
            list(pool.map(partial(run, world, usd_per_hit_max=CHOSEN_USD, rounded=False), seeds)),
            seeds,
            CHOSEN_USD,
        )


def tell(of: str, found: list[Outcome], seeds: list[int], usd: float) -> None:
    """Print what came out of the worlds at one price of a hit."""
    mean = {
        name: round(float(np.mean([getattr(one, name) for one in found])), 3)
        for name in ("promoted", "at_the_end")
    }
    more = {
        "seeds": str(seeds),
        "usd_per_hit_max": usd,
        **mean,
        "calls_per_hypothesis": str(
            np.mean([one.calls for one in found], axis=0).round(2).tolist()
        ),
    }
    mean_figure("critic", f"cascade_hits_share{of}", [one.hits for one in found], "share", **more)
    mean_figure("critic", f"cascade_cost_share{of}", [one.cost for one in found], "share", **more)


def run(
    world: dict[str, Any],
    seed: int,
    usd_per_hit_max: float,
    *,
    known: bool = False,
    rounded: bool = True,
) -> Outcome:
    """One world, mean over its plantings. `known`: the judges are known exactly; `rounded`: scores are whole numbers, as those of the best judge always."""
    rng = np.random.default_rng(seed)
    hits = rng.random(world["hypotheses"]) < world["hit_rate"]
    hits = hits[
        rng.random(len(hits)) >= world["duplicate_rate"]
    ]  # the free gate stops duplicates in both ways of judging
    best = Judged(world, hits, rng)
    scores = np.array(
        [best.call(at, int(np.argmax(best.usd))) for at in range(len(hits))]
    ) + 1e-6 * rng.random(len(hits))
    order, found = np.argsort(-scores), []
    for planting in range(PLANTINGS):
        again = np.random.default_rng([seed, planting])
        panel, spent = (exact(world), 0.0) if known else measured(world, again, rounded=rounded)
        judged = Judged(world, hits, again, rounded=rounded)
        judged.errors = best.errors  # the same first answers
        found.append(
            cascaded(
                judged,
                panel,
                usd_per_hit_max,
                order,
                int(world["quota"] * world["hypotheses"]),
                (spent, best.cost),
            )
        )
    hits_share, cost, promoted, at_the_end, *calls = np.mean(
        [(*one[:-1], *one.calls) for one in found], axis=0
    ).tolist()
    return Outcome(hits_share, cost, promoted, at_the_end, tuple(calls))


def cascaded(
    judged: Judged,
    panel: AggregationModel,
    usd_per_hit_max: float,
    order: NDArray[np.int64],
    quota: int,
    costs: tuple[float, float],
) -> Outcome:
    """The cascade over hypotheses that the best judge puts in this order. `costs`: of measuring the judges, and of the best one for all."""
    hits, (spent, theirs_usd) = judged.hits, costs
    cascade, line = (
        SequentialPlan(panel, tuple(judged.usd.tolist()), CALLS_MAX, usd_per_hit_max),
        QuotaThreshold(quota / len(hits)),
    )
    calls, ended, promoted = (
        np.zeros(len(judged.usd)),
        np.zeros(len(hits)),
        np.zeros(len(hits), bool),
    )
    for at in range(len(hits)):
        asked, ended[at], target = judge_one(cascade, judged, at, line)
        calls += asked
        promoted[at] = ended[at] > target
    theirs = hits[order[: promoted.sum()]].sum()
    at_the_end = hits[np.argsort(-ended)[:quota]].sum() / hits[order[:quota]].sum()
    return Outcome(
        float(hits[promoted].sum() / theirs),
        (judged.cost + spent) / theirs_usd,
        float(promoted.sum()),
        float(at_the_end),
        tuple(calls / len(hits)),
    )


def measured(
    world: dict[str, Any], rng: np.random.Generator, *, rounded: bool
) -> tuple[AggregationModel, float]:
    """What planted hypotheses tell of the judges, and what that cost."""
    truth = np.arange(2 * CANARIES) < CANARIES
    planted = Judged(world, truth, rng, rounded=rounded)
    every = range(len(truth)), range(len(planted.usd))
    values = np.array([[planted.call(at, judge) for judge in every[1]] for at in every[0]])
    cheap = planted.usd < planted.usd.max()
    again = np.array(
        [
            [planted.call(at, judge) if cheap[judge] else np.nan for judge in every[1]]
            for at in every[0]
        ]
    )
    return model_from_labels(values, truth, again), planted.cost


def exact(world: dict[str, Any]) -> AggregationModel:
    """What is true of the judges: their errors, and what rounding adds to them."""
    d_prime, centre, spread = (
        np.array([judge[name] for judge in world["judges"].values()])
        for name in ("d_prime", "center", "spread")
    )
    scale = (spread**2 + ROUNDING) ** 0.5
    kept = spread / scale
    correlations = world["noise_correlation"] * np.outer(kept, kept)
    np.fill_diagonal(correlations, 1.0)
    return AggregationModel(
        d_prime * kept, correlations, world["repeat_correlation"] * kept**2, centre, scale
    )


def judge_one(
    cascade: SequentialPlan, judged: Judged, at: int, line: QuotaThreshold
) -> tuple[NDArray[np.int64], float, float]:
    """How often each judge was asked about a hypothesis, what came out, and what would have promoted it."""
    target, log_odds = line.value(cascade.model), line.prior
    calls, sums = np.zeros(len(judged.usd), np.int64), np.zeros(len(judged.usd))
    while (judge := cascade.next(tuple(calls.tolist()), log_odds, target)) is not None:
        calls[judge] += 1
        sums[judge] += judged.call(at, judge)
        log_odds = cascade.model.log_odds(
            sums / np.maximum(calls, 1), tuple(calls.tolist()), line.prior
        )
    line.add(log_odds)
    return calls, log_odds, target
