"""Metrics of the critic: counters of verdicts and canaries, and gauges of its quality.

Every replica has the same history, so take the maximum of a gauge over replicas, not the sum.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from opentelemetry import trace

from daydream_contracts.events import VerdictReached
from daydream_contracts.metrics import judging as table
from daydream_contracts.rpc import CriticState
from daydream_runtime.instruments import Values
from daydream_runtime.telemetry import Telemetry

log = logging.getLogger(__name__)


class VerdictMetrics:
    """Counts verdicts of the critic or the oracle."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._decisions = telemetry.counter(table.DECISIONS)
        self._reasons = telemetry.counter(table.REASONS)
        self._canaries = telemetry.counter(table.CANARIES)

    def count(self, verdict: VerdictReached) -> None:
        """Count and log a verdict. Canaries are counted apart, and only when they are final.

        The decision is on the span too: collectors keep promoted daydreams by it.
        """
        pair, decision = verdict.hypothesis.pair, verdict.decision.value
        if not pair.canary:
            self._decisions.add(1, decision)
            self._reasons.add(1, decision, verdict.reason)
            span = trace.get_current_span()
            span.set_attribute(table.DECISION.name, decision)
            span.set_attribute(table.REASON.name, verdict.reason)
        elif verdict.final:
            self._canaries.add(1, pair.canary, decision)
        log.info("verdict: %s (%s)", decision, verdict.reason, extra={"pair": pair.pair_id})


def observe(telemetry: Telemetry, state: Callable[[], CriticState]) -> None:
    """Register gauges that read `state` whenever they are collected."""
    telemetry.gauge(table.CANARY_RATE, lambda: _canary_rates(state()))
    telemetry.gauge(table.CANARY_DRIFT, lambda: [(len(state().drift), ())])
    telemetry.gauge(table.WARNINGS, lambda: [(len(state().warnings), ())])
    telemetry.gauge(table.EFFECTIVE_JUDGES, lambda: [(state().effective_judges, ())])
    telemetry.gauge(table.POSITION_BIAS, lambda: _position_biases(state()))


def _canary_rates(state: CriticState) -> Values:
    for kind, share in (("bridge", state.bridges), ("decoy", state.decoys)):
        if share.count:
            yield share.hits / share.count, (kind, "share")
            yield share.low, (kind, "low")
            yield share.high, (kind, "high")


def _position_biases(state: CriticState) -> Values:
    for judge in state.judges:
        if judge.comparisons:
            yield judge.position_bias, (judge.name,)
