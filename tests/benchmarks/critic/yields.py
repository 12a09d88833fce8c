"""What the sequential plan finds and costs, compared with judging everything with the best judge.

The world is scripted and its hits are known. The product's own arithmetic decides which judge to
ask next. It knows the judges from 20 positive and 20 negative canaries, judged by all judges (and
again by the cheap ones); their cost counts. It learns the promotion threshold from the hypotheses
before, and promotes as it proceeds. So it promotes its quota on average, not in every run. The best
judge promotes as many in each run. `at_the_end` is what the plan would find if it decided about all
hypotheses at the end, as the best judge does. Each world is run with several sets of canaries,
because much depends on them.

The ceiling is the same with judges that are known exactly, without the cost of measuring them.
Where a server gives token probabilities, a score is their mean, 6.8 instead of 7. This is measured
with scores before they are rounded, which is the maximum that it can bring.
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
from daydream_critic.settings import CriticSettings
from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.panel_evidence import LabelledValues, PanelEvidence
from daydream_critic.stats.panel_posterior import LABELS_MIN, panel_posterior
from daydream_critic.stats.quota_threshold import QuotaThreshold
from daydream_critic.stats.sequential_plan import SequentialPlan

FILE = "scripted-world.json"
CANARIES = LABELS_MIN  # of each kind: as many as it takes until judges count as measured
CALLS_MAX = (3, 3, 2)
SHIPPED_USD = float(CriticSettings.model_fields["usd_per_hit_max"].default)
HIT_USD = tuple(dict.fromkeys((SHIPPED_USD, 1.5, 3.0, 5.0)))  # what one more hit may cost
CEILING_USD = 2.0
CANARY_SETS = 8
ROUNDING = 1 / 12  # variance that rounding to whole scores adds
Array = NDArray[np.float64]


class SimulatedPanel:
    """Judges of simulated hypotheses. Each call costs, and partly repeats the first one's error."""

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

    def call(self, index: int, judge: int) -> float:
        """Return the score of one call, rounded if scores are."""
        error = self.errors[index, judge]
        if self.asked[index, judge]:
            error = self.repeats * error + (1 - self.repeats**2) ** 0.5 * self.rng.standard_normal()
        self.asked[index, judge] = True
        self.cost += self.usd[judge]
        signal = self.d_prime[judge] * self.hits[index] + error
        score = self.centre[judge] + self.spread[judge] * signal
        return float(np.clip(np.round(score) if self.rounded else score, 1, 10))


class Yield(NamedTuple):
    """Shares of the hits and of the cost of the best judge, the number of promotions, the share of
    the hits if all were decided at the end, and the calls of each judge per hypothesis.
    """

    hits: float
    cost: float
    promoted: float
    at_the_end: float
    calls: tuple[float, ...]


def measure(file: Path, *, quick: bool) -> None:
    """Print shares of hits and cost: per price of a hit, the ceiling, and expected scores."""
    world = json.loads(file.read_text())
    seeds = world["seeds"][:4] if quick else world["seeds"]
    with ProcessPoolExecutor() as pool:
        for usd in HIT_USD:
            yields = list(pool.map(partial(run, world, usd_per_hit_max=usd), seeds))
            print_figures("" if usd == SHIPPED_USD else f"_at_{usd:g}_usd", yields, seeds, usd)
        ceiling = partial(run, world, usd_per_hit_max=CEILING_USD, known=True)
        print_figures("_ceiling", list(pool.map(ceiling, seeds)), seeds, CEILING_USD)
        expected = partial(run, world, usd_per_hit_max=SHIPPED_USD, rounded=False)
        print_figures("_expected", list(pool.map(expected, seeds)), seeds, SHIPPED_USD)


def print_figures(suffix: str, yields: list[Yield], seeds: list[int], usd: float) -> None:
    """Print the yields of all worlds at one price of a hit."""
    calls = np.mean([result.calls for result in yields], axis=0).round(2).tolist()
    details: dict[str, str | float] = {
        "seeds": str(seeds),
        "usd_per_hit_max": usd,
        "promoted": round(float(np.mean([result.promoted for result in yields])), 3),
        "at_the_end": round(float(np.mean([result.at_the_end for result in yields])), 3),
        "calls_per_hypothesis": str(calls),
    }
    hits, costs = [result.hits for result in yields], [result.cost for result in yields]
    mean_figure("critic", f"cascade_hits_share{suffix}", hits, "share", **details)
    mean_figure("critic", f"cascade_cost_share{suffix}", costs, "share", **details)


def run(
    world: dict[str, Any],
    seed: int,
    usd_per_hit_max: float,
    *,
    known: bool = False,
    rounded: bool = True,
) -> Yield:
    """Run one world with each set of canaries, and return the mean.

    `known`: the judges are known exactly. `rounded`: scores are whole numbers. Those of the best
    judge always are.
    """
    rng = np.random.default_rng(seed)
    hits = rng.random(world["hypotheses"]) < world["hit_rate"]
    # The gates stop duplicates in both ways of judging.
    hits = hits[rng.random(len(hits)) >= world["duplicate_rate"]]
    best = SimulatedPanel(world, hits, rng)
    best_judge = int(np.argmax(best.usd))
    scores = np.array([best.call(index, best_judge) for index in range(len(hits))])
    order = np.argsort(-(scores + 1e-6 * rng.random(len(hits))))
    quota = int(world["quota"] * world["hypotheses"])
    yields = []
    for canary_set in range(CANARY_SETS):
        again = np.random.default_rng([seed, canary_set])
        model, spent = (exact(world), 0.0) if known else measured(world, again, rounded=rounded)
        panel = SimulatedPanel(world, hits, again, rounded=rounded)
        panel.errors = best.errors  # the same first answers
        plan = SequentialPlan(model, tuple(panel.usd.tolist()), CALLS_MAX, usd_per_hit_max)
        yields.append(judge_all(panel, plan, order, quota, (spent, best.cost)))
    hits_share, cost, promoted, at_the_end, *calls = np.mean(
        [(*result[:-1], *result.calls) for result in yields], axis=0
    ).tolist()
    return Yield(hits_share, cost, promoted, at_the_end, tuple(calls))


def judge_all(
    panel: SimulatedPanel,
    plan: SequentialPlan,
    order: NDArray[np.int64],
    quota: int,
    costs: tuple[float, float],
) -> Yield:
    """Judge all hypotheses by the plan. `order` is the order in which the best judge puts them.

    `costs` are those of measuring the judges, and of the best judge for all hypotheses.
    """
    hits, (spent, best_usd) = panel.hits, costs
    threshold = QuotaThreshold(quota / len(hits))
    calls, log_odds = np.zeros(len(panel.usd)), np.zeros(len(hits))
    promoted = np.zeros(len(hits), bool)
    for index in range(len(hits)):
        asked, log_odds[index], needed = judge_one(plan, panel, index, threshold)
        calls += asked
        promoted[index] = log_odds[index] > needed
    best_hits = hits[order[: promoted.sum()]].sum()
    at_the_end = hits[np.argsort(-log_odds)[:quota]].sum() / hits[order[:quota]].sum()
    return Yield(
        float(hits[promoted].sum() / best_hits),
        (panel.cost + spent) / best_usd,
        float(promoted.sum()),
        float(at_the_end),
        tuple(calls / len(hits)),
    )


def measured(
    world: dict[str, Any], rng: np.random.Generator, *, rounded: bool
) -> tuple[AggregationModel, float]:
    """Return what canaries tell about the judges, and what that cost."""
    truth = np.arange(2 * CANARIES) < CANARIES
    panel = SimulatedPanel(world, truth, rng, rounded=rounded)
    canaries, judges = range(len(truth)), range(len(panel.usd))
    values = np.array([[panel.call(canary, judge) for judge in judges] for canary in canaries])
    cheap = panel.usd < panel.usd.max()
    again = np.array(
        [
            [panel.call(canary, judge) if cheap[judge] else np.nan for judge in judges]
            for canary in canaries
        ]
    )
    labels = LabelledValues(values, truth, again)
    evidence = PanelEvidence.of(np.zeros((0, len(panel.usd))), canaries=labels)
    return panel_posterior(evidence), panel.cost


def exact(world: dict[str, Any]) -> AggregationModel:
    """Return the truth about the judges: their errors, and what rounding adds to them."""
    d_prime, centre, spread = (
        np.array([judge[name] for judge in world["judges"].values()])
        for name in ("d_prime", "center", "spread")
    )
    scale = (spread**2 + ROUNDING) ** 0.5
    signal_share = spread / scale
    correlations = world["noise_correlation"] * np.outer(signal_share, signal_share)
    np.fill_diagonal(correlations, 1.0)
    repeats = world["repeat_correlation"] * signal_share**2
    return AggregationModel(d_prime * signal_share, correlations, repeats, centre, scale)


def judge_one(
    plan: SequentialPlan, panel: SimulatedPanel, index: int, threshold: QuotaThreshold
) -> tuple[NDArray[np.int64], float, float]:
    """Return the calls of each judge about a hypothesis, its log-odds, and those that it needed."""
    needed, log_odds = threshold.value(plan.model), threshold.prior
    calls, sums = np.zeros(len(panel.usd), np.int64), np.zeros(len(panel.usd))
    while (judge := plan.next(tuple(calls.tolist()), log_odds, needed)) is not None:
        calls[judge] += 1
        sums[judge] += panel.call(index, judge)
        means = sums / np.maximum(calls, 1)
        log_odds = plan.model.log_odds(means, tuple(calls.tolist()), threshold.prior)
    threshold.add(log_odds)
    return calls, log_odds, needed
