"""Metrics of the critic: counters of verdicts and canaries, and gauges of its quality.

Every replica has the same history, so take the maximum of a gauge over replicas, not the sum.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from opentelemetry import trace
from opentelemetry.metrics import CallbackOptions, Observation

from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import CriticState
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)
METER = "daydream"
DECISION = "daydream.decision"
REASON = "daydream.reason"
CANARY = "daydream.canary"


class VerdictMetrics:
    """Counts verdicts of the critic or the oracle."""

    def __init__(self, telemetry: Telemetry) -> None:
        meter = telemetry.meters.get_meter(METER)
        self._decisions = meter.create_counter(
            "daydream.decisions", description="verdicts by decision and reason"
        )
        self._canaries = meter.create_counter(
            "daydream.canaries", description="verdicts on canaries by kind and decision"
        )

    def count(self, verdict: VerdictReached) -> None:
        """Count and log a verdict. Canaries are counted apart, and only when they are final."""
        pair, decision = verdict.hypothesis.pair, verdict.decision.value
        if not pair.canary:
            reason = {DECISION: decision, REASON: verdict.reason}
            self._decisions.add(1, reason)
            trace.get_current_span().set_attributes(reason)  # promoted daydreams are always kept
        elif verdict.final:
            kind = {CANARY: pair.canary, DECISION: decision}
            self._canaries.add(1, kind)
        log.info("verdict: %s (%s)", decision, verdict.reason, extra={"pair": pair.pair_id})


def observe(telemetry: Telemetry, state: Callable[[], CriticState]) -> None:
    """Register gauges that read `state` whenever they are collected."""
    gauge = telemetry.meters.get_meter(METER).create_observable_gauge
    gauge(
        "daydream.critic.canary_promotion_rate",
        [_callback(_canary_rates, state)],
        unit="1",
        description="share of canaries that would be promoted, and its 95 % interval",
    )
    gauge(
        "daydream.critic.effective_judges",
        [_callback(_effective_judges, state)],
        unit="1",
        description="number of independent judges that the panel is worth",
    )
    gauge(
        "daydream.critic.position_bias",
        [_callback(_position_biases, state)],
        unit="1",
        description="how much a judge favours the hypothesis shown first, in log-odds",
    )


def _callback(
    measure: Callable[[CriticState], Iterable[Observation]], state: Callable[[], CriticState]
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    return lambda _: list(measure(state()))


def _canary_rates(state: CriticState) -> Iterable[Observation]:
    for kind, share in (("bridge", state.bridges), ("decoy", state.decoys)):
        if share.count:
            values = {"share": share.hits / share.count, "low": share.low, "high": share.high}
            for bound, value in values.items():
                yield Observation(value, {CANARY: kind, "of": bound})


def _effective_judges(state: CriticState) -> Iterable[Observation]:
    yield Observation(state.effective_judges)


def _position_biases(state: CriticState) -> Iterable[Observation]:
    for judge in state.judges:
        if judge.comparisons:
            yield Observation(judge.position_bias, {"judge": judge.name})
