"""Rates and their intervals. Pure functions.

The matching judge errs: it takes a share 1 − specificity of other hypotheses for the link, and
misses a share 1 − sensitivity of those that state it. An answer a ∈ {0, 1} is therefore counted as
(a − (1 − specificity)) ÷ (sensitivity + specificity − 1), whose mean is the true rate (Rogan and
Gladen, American Journal of Epidemiology 107, 1978).

Intervals are 95 % percentiles of a Bayesian bootstrap (Rubin, Annals of Statistics 9, 1981) over
bridges and over runs at once (Owen, Annals of Applied Statistics 1, 2007: crossed factors need
crossed weights). All arms share the weight of a bridge, because a bridge that is easy to find is
easy for all. Hits are few, so the lower end is that of the hits themselves, and the upper end has
one further hit as a prior, as in the exact interval of a count (Garwood, Biometrika 28, 1936): no
hit in sixty bridges is no certainty of zero. The errors of the matching judge are drawn in each
resample from what the labelled matches say of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RESAMPLES = 2000
LOW, MEDIAN, HIGH = 0.025, 0.5, 0.975
RATIO_MAX = 1000.0  # a larger ratio says only that one of the two found nothing
PRIOR = 0.5
SKILL_MIN = 0.1  # a resample divides by no less
SKILL_NEEDED = 0.2  # below it the judge can't tell, and its answers are counted as they are


@dataclass(frozen=True)
class BenchInterval:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class MatchErrors:
    """What the labelled matches say of the matching judge: of each label, how many it got right."""

    same: int
    same_right: int
    other: int
    other_right: int

    @property
    def sensitivity(self) -> float:
        return (self.same_right + PRIOR) / (self.same + 2 * PRIOR)

    @property
    def specificity(self) -> float:
        return (self.other_right + PRIOR) / (self.other + 2 * PRIOR)

    @property
    def skill(self) -> float:
        """Return sensitivity + specificity − 1: 1 for a perfect judge, 0 for a coin."""
        return self.sensitivity + self.specificity - 1

    @property
    def can_tell(self) -> bool:
        """Return whether the judge can tell the link from others well enough to be corrected."""
        return self.skill >= SKILL_NEEDED

    def drawn(self, rng: random.Random) -> tuple[float, float]:
        """Return a sensitivity and a specificity from their posteriors."""
        return (
            _beta(rng, self.same_right, self.same),
            _beta(rng, self.other_right, self.other),
        )


def corrected(answer: bool, sensitivity: float, specificity: float) -> float:
    """Return what an answer of the matching judge counts for."""
    return (answer - (1 - specificity)) / max(SKILL_MIN, sensitivity + specificity - 1)


@dataclass(frozen=True)
class ArmHits:
    """What an arm found: for each run and promoted bridge, whether the judge saw the link.

    `usd` is the spend of each run.
    """

    answers: Mapping[tuple[int, str], bool]
    usd: Sequence[float]

    def good(self, errors: MatchErrors) -> float:
        """Return the corrected number of good insights over all runs, from 0 to all promoted."""
        if not errors.can_tell:
            return float(sum(self.answers.values()))
        rates = errors.sensitivity, errors.specificity
        counted = sum(corrected(answer, *rates) for answer in self.answers.values())
        return min(max(0.0, counted), float(len(self.answers)))


@dataclass(frozen=True)
class ResampledRates:
    """Good insights per dollar in each resample: without a further hit, and with one."""

    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)


def rates_per_usd(
    arms: Mapping[str, ArmHits],
    bridges: int,
    errors: MatchErrors,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, ResampledRates]:
    """Return resampled rates of each arm, in the same order for all arms.

    Bridges about which no arm promoted anything share one weight, that of all of them together.
    """
    rng = random.Random(seed)
    promoted = sorted({bridge for hits in arms.values() for _, bridge in hits.answers})
    rest = max(0, bridges - len(promoted))
    rates = {name: ResampledRates() for name in arms}
    for _ in range(resamples):
        weights = {bridge: rng.expovariate(1) for bridge in promoted}
        total = sum(weights.values()) + (rng.gammavariate(rest, 1) if rest else 0.0)
        drawn = errors.drawn(rng) if errors.can_tell else (1.0, 1.0)
        for name, hits in arms.items():
            seen, usd = _weighted(hits, weights, drawn, rng)
            per_weight = bridges / usd if usd else 0.0
            further = rng.expovariate(1)
            rates[name].low.append(per_weight * seen / (total or 1))
            rates[name].high.append(
                per_weight * (seen + further / len(hits.usd)) / (total + further)
            )
    return rates


def _weighted(
    hits: ArmHits,
    weights: Mapping[str, float],
    errors: tuple[float, float],
    rng: random.Random,
) -> tuple[float, float]:
    """Return the weight of an arm's hits and its dollars, each the weighted mean of its runs."""
    runs = [rng.expovariate(1) if len(hits.usd) > 1 else 1.0 for _ in hits.usd]
    all_runs = sum(runs)
    usd = sum(weight * spent for weight, spent in zip(runs, hits.usd, strict=True)) / all_runs
    seen = sum(
        runs[run] / all_runs * weights[bridge] * corrected(answer, *errors)
        for (run, bridge), answer in hits.answers.items()
    )
    return max(0.0, seen), usd


def rate_interval(value: float, rates: ResampledRates) -> BenchInterval:
    """Return a rate with its 95 % interval."""
    return _around(value, percentile(rates.low, LOW), percentile(rates.high, HIGH))


def ratio_interval(
    value: float | None, numerators: ResampledRates, denominators: ResampledRates
) -> BenchInterval:
    """Return the ratio of two arms, whose resamples belong together one by one.

    Without a value, because the lower arm found nothing, it is the median of the lower ends.
    """
    lows = _ratios(numerators.low, denominators.high)
    highs = _ratios(numerators.high, denominators.low)
    middle = percentile(lows, MEDIAN) if value is None else value
    return _around(min(RATIO_MAX, middle), percentile(lows, LOW), percentile(highs, HIGH))


def _ratios(uppers: Sequence[float], lowers: Sequence[float]) -> list[float]:
    return [
        min(RATIO_MAX, upper / lower) if lower else RATIO_MAX
        for upper, lower in zip(uppers, lowers, strict=True)
    ]


def _around(value: float, low: float, high: float) -> BenchInterval:
    return BenchInterval(value, min(low, value), max(high, value))


def share_interval(hits: float, count: int) -> BenchInterval:
    """Return a share with the 95 % interval of Jeffreys' posterior; 0 to 1 where nothing is."""
    if not count:
        return BenchInterval(0.0, 0.0, 1.0)
    rng = random.Random(0)
    hits = min(max(hits, 0.0), float(count))
    draws = [rng.betavariate(hits + PRIOR, count - hits + PRIOR) for _ in range(RESAMPLES)]
    return _around(hits / count, percentile(draws, LOW), percentile(draws, HIGH))


def _beta(rng: random.Random, hits: int, count: int) -> float:
    return rng.betavariate(hits + PRIOR, count - hits + PRIOR)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the values is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
