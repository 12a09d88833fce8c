"""What is known of the judges together: one posterior of the weights of their values.

The weights w are those of Fisher's discriminant (`aggregation`), so d = S·w. Their prior is normal:

- its mean is equal weights. Without a label the panel orders hypotheses by equal ranks;
- it is wide in the common size of all weights, and narrow in each judge's own. How narrow is chosen
  by the canaries (the largest marginal likelihood; MacKay, 1992): some panels differ much;
- it is also wide in the direction from equal weights to what the judges' agreement suggests. So a
  few labels tell how far that is to be followed: agreement is a prior, and no evidence.

Labels are the likelihood:

- canaries are scored by all judges, whatever they say. Their mean difference measures d without a
  choice having been made before. But they are no hypotheses of this lab: the difference counts
  with a further error of `CANARY_BIAS` for each judge, which no number of canaries removes;
- reviews and outcomes are of hypotheses that the judges had chosen. A logistic regression (found by
  Newton's method) is right there, whatever the choice was. An outcome, a test that was really made,
  counts as `OUTCOME_WORTH` reviews.

A judge that was not asked about a hypothesis gets the value that the others predict.

`OWN_SPREAD` and `CONSENSUS_SPREAD` were chosen on five simulated panels (`simulated-judges.json`,
seeds 1 to 12; `make bench-critic` reports others). The prejudiced panels, the public verdicts and
the scripted world were not looked at for it. `CANARY_BIAS` and `OUTCOME_WORTH` are assumptions: no
data were at hand that would tell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from daydream_critic.stats.aggregation import AggregationModel
from daydream_critic.stats.agreement import (
    consensus_weights,
    equal_weights,
    pooled_correlations,
)
from daydream_critic.stats.panel_evidence import LabelledValues, PanelEvidence

Array = NDArray[np.float64]

LABELS_MIN = 20  # canaries of each kind, from which a judge counts as measured
PANEL_SEPARATION = 0.75  # prior mean of the distance between hits and misses, in d′ of the panel
SIZE_SPREAD = 1.5  # prior standard deviation of that distance
OWN_SPREAD = 0.55  # of a judge's own weight, ÷ √judges
OWN_SPREADS = (0.3, 0.55, 0.8, 1.2, 1.8, 2.7)  # from which canaries choose
CONSENSUS_SPREAD = 1.0  # of the share of the way from equal weights to those of agreement
CANARY_BIAS = 0.2  # standard error of a separation on canaries that no number of them removes
OUTCOME_WORTH = 2.0  # reviews
INTERCEPT_SPREAD = 3.0  # log-odds; reviews are of chosen hypotheses, so their base rate is free
REPEATS = 0.65  # correlation of two calls of a judge, until second calls exist
REPEATS_BOUNDS = (0.3, 0.95)
NEWTON_STEPS = 30
STEP_MIN = 1e-7


@dataclass(frozen=True)
class NormalBelief:
    """A normal distribution of the weights: mean, shape (judges,), and covariance."""

    mean: Array
    covariance: Array = field(repr=False)


def panel_posterior(evidence: PanelEvidence) -> AggregationModel:
    """Return what is known of the judges. Without any evidence all are equal."""
    judges, canaries = evidence.judges, evidence.canaries
    base, scale = _base_and_scale(canaries)
    rests = _within_kinds(canaries, scale)
    correlations = pooled_correlations(judges, [evidence.unlabelled, rests])
    belief = prior_of(correlations)
    if min(canaries.counts) > 1:
        belief = _after_canaries(correlations, canaries, scale)
    belief = _after_choices(belief, correlations, evidence, (base, scale))
    return AggregationModel(
        separations=np.clip(correlations @ belief.mean, 0.0, None)
        if judges == 1
        else correlations @ belief.mean,
        correlations=correlations,
        repeats=_repeats(canaries, scale),
        base=base,
        scale=scale,
    )


def prior_of(correlations: Array, own_spread: float = OWN_SPREAD) -> NormalBelief:
    """Return what is believed of the weights before any label.

    `own_spread`: how far a judge's own weight may be from the others'.
    """
    judges = len(correlations)
    equal = equal_weights(correlations)
    towards_consensus = PANEL_SEPARATION * (consensus_weights(correlations) - equal)
    covariance = (
        own_spread**2 / judges * np.eye(judges)
        + SIZE_SPREAD**2 * np.outer(equal, equal)
        + CONSENSUS_SPREAD**2 * np.outer(towards_consensus, towards_consensus)
    )
    return NormalBelief(PANEL_SEPARATION * equal, covariance)


def _base_and_scale(canaries: LabelledValues) -> tuple[Array, Array]:
    """Return mean and standard deviation of each judge's values of misses.

    With few canaries these are 0 and 1, which deviates have over all hypotheses.
    """
    judges = canaries.values.shape[1]
    if min(canaries.counts) < LABELS_MIN:
        return np.zeros(judges), np.ones(judges)
    rests = _within_kinds(canaries, np.ones(judges))
    scale = np.maximum((rests**2).sum(axis=0) / (len(rests) - 2), 1e-6) ** 0.5
    return canaries.values[~canaries.truth].mean(axis=0), scale


def _within_kinds(canaries: LabelledValues, scale: Array) -> Array:
    """Return how far each canary is from the mean of its kind, in standard deviations."""
    hits, misses = canaries.values[canaries.truth], canaries.values[~canaries.truth]
    rests = [kind - kind.mean(axis=0) for kind in (hits, misses) if len(kind)]
    if not rests:
        return np.zeros((0, len(scale)))
    return np.asarray(np.concatenate(rests) / scale, np.float64)


def _after_canaries(correlations: Array, canaries: LabelledValues, scale: Array) -> NormalBelief:
    """Return the belief after the mean difference of the two kinds: a linear normal update."""
    hits, misses = canaries.counts
    values = canaries.values / scale
    measured = values[canaries.truth].mean(axis=0) - values[~canaries.truth].mean(axis=0)
    error = correlations * (1 / hits + 1 / misses)
    # The scale is estimated too (Hedges, 1981).
    error = error + np.diag(measured**2 / (2 * (hits + misses)) + CANARY_BIAS**2)

    def logarithm(own_spread: float) -> float:
        prior = prior_of(correlations, own_spread)
        spread = correlations @ prior.covariance @ correlations + error
        rest = measured - correlations @ prior.mean
        _, size = np.linalg.slogdet(spread)
        doubt = math.log(own_spread / OWN_SPREAD) ** 2
        return -float(size + rest @ np.linalg.solve(spread, rest) + doubt) / 2

    prior = prior_of(correlations, max(OWN_SPREADS, key=logarithm))
    gain = np.linalg.solve(
        correlations @ prior.covariance @ correlations + error, correlations @ prior.covariance
    ).T
    mean = prior.mean + gain @ (measured - correlations @ prior.mean)
    covariance = prior.covariance - gain @ correlations @ prior.covariance
    return NormalBelief(mean, (covariance + covariance.T) / 2)


def _after_choices(
    belief: NormalBelief,
    correlations: Array,
    evidence: PanelEvidence,
    base_and_scale: tuple[Array, Array],
) -> NormalBelief:
    """Return the belief after reviews and outcomes. Each kind has its own base rate."""
    base, scale = base_and_scale
    kinds = [(evidence.reviews, 1.0), (evidence.outcomes, OUTCOME_WORTH)]
    kinds = [(labels, worth) for labels, worth in kinds if len(labels.truth)]
    if not kinds:
        return belief
    tables, truths, worths = [], [], []
    for index, (labels, worth) in enumerate(kinds):
        values = with_predicted((labels.values - base) / scale, correlations)
        constants = np.zeros((len(values), len(kinds)))
        constants[:, index] = 1.0
        tables.append(np.hstack([values, constants]))
        truths.append(labels.truth.astype(float))
        worths.append(np.full(len(values), worth))
    constant_variance = INTERCEPT_SPREAD**2 * np.eye(len(kinds))
    judges = len(belief.mean)
    covariance = np.block(
        [
            [belief.covariance, np.zeros((judges, len(kinds)))],
            [np.zeros((len(kinds), judges)), constant_variance],
        ]
    )
    start = np.concatenate([belief.mean, np.zeros(len(kinds))])
    mean, after = _logistic_posterior(
        NormalBelief(start, covariance),
        np.concatenate(tables),
        np.concatenate(truths),
        np.concatenate(worths),
    )
    return NormalBelief(mean[:judges], after[:judges, :judges])


def _logistic_posterior(
    prior: NormalBelief, table: Array, truth: Array, worth: Array
) -> tuple[Array, Array]:
    """Return mode and covariance of the weights after labels (Laplace's approximation)."""
    precision = np.linalg.inv(prior.covariance)
    weights, curvature = prior.mean.copy(), precision
    for _ in range(NEWTON_STEPS):
        probability = 1 / (1 + np.exp(-np.clip(table @ weights, -30, 30)))
        gradient = table.T @ (worth * (truth - probability)) - precision @ (weights - prior.mean)
        variance = worth * probability * (1 - probability)
        curvature = precision + (table * variance[:, np.newaxis]).T @ table
        step = np.linalg.solve(curvature, gradient)
        weights = weights + step
        if np.abs(step).max() < STEP_MIN:
            break
    return weights, np.linalg.inv(curvature)


def with_predicted(values: Array, correlations: Array) -> Array:
    """Return the values, with what the judges that were asked predict in the place of NaN."""
    filled = values.copy()
    for row in filled:
        missing = np.isnan(row)
        if not missing.any():
            continue
        asked = ~missing
        if not asked.any():
            row[:] = 0.0
            continue
        among = correlations[np.ix_(asked, asked)]
        row[missing] = correlations[np.ix_(missing, asked)] @ np.linalg.solve(among, row[asked])
    return filled


def _repeats(canaries: LabelledValues, scale: Array) -> Array:
    """Return the correlation of two calls, one for all judges.

    Their differences have the variance 2 (1 − repeats).
    """
    judges = len(scale)
    if canaries.again is None:
        return np.full(judges, REPEATS)
    differences = ((canaries.again - canaries.values) / scale)[~np.isnan(canaries.again)]
    if len(differences) < LABELS_MIN:
        return np.full(judges, REPEATS)
    measured = 1 - float((differences**2).mean()) / 2
    return np.full(judges, np.clip(measured, *REPEATS_BOUNDS))
