"""Metrics of the limiters of one replica.

Gauges of calls and waiters belong to a replica: add them up. The pace and the availability are the
same in all replicas: take the maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from opentelemetry.metrics import CallbackOptions, Observation

from daydream_budget.gateway.limiter.limiter import Limiter
from daydream_budget.gateway.limiter.terms import LimiterState, ModelKey, Signal, WaitReason
from daydream_runtime.telemetry import DURATION_BUCKETS_S, Attribute, Telemetry


class LimiterMetrics:
    """Observe limiters: pass it to their registry, then let it watch the registry."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._meter = telemetry.meters.get_meter("daydream")
        self._wait_s = self._meter.create_histogram(
            "daydream.gateway.wait",
            unit="s",
            description="wait for a turn, by what it last waited for",
            explicit_bucket_boundaries_advisory=DURATION_BUCKETS_S,
        )
        self._attempts = self._meter.create_counter(
            "daydream.gateway.attempts",
            description="finished attempts, by what they taught and whether they were probes",
        )
        self._refused = self._meter.create_counter(
            "daydream.gateway.refused",
            description="requests that got no turn, by whether a person must act",
        )

    def watch(self, limiters: Iterable[Limiter]) -> None:
        """Add gauges of these limiters, which may become more."""
        for name, unit, description, value in (
            ("daydream.gateway.in_flight", "{call}", "calls in flight", _in_flight),
            ("daydream.gateway.waiting", "{request}", "requests that wait for a turn", _waiting),
            ("daydream.gateway.concurrency", "{call}", "calls that may be in flight", _concurrency),
            (
                "daydream.gateway.pace",
                "1/s",
                "learned pace of all replicas; none: unlimited",
                _pace,
            ),
            (
                "daydream.gateway.closed",
                "{state}",
                "1: no call may start, 2: a person must act",
                _closed,
            ),
            (
                "daydream.gateway.replicas",
                "{replica}",
                "replicas that this one knows, itself included",
                _replicas,
            ),
        ):
            self._meter.create_observable_gauge(
                name, [_observe(limiters, value)], unit=unit, description=description
            )

    def waited(self, key: ModelKey, reason: WaitReason, seconds: float) -> None:
        """Record the wait of a turn."""
        self._wait_s.record(seconds, {**_labels(key), "reason": reason})

    def reported(self, key: ModelKey, signal: Signal, *, probe: bool) -> None:
        """Count a finished attempt."""
        self._attempts.add(1, {**_labels(key), "signal": signal, "probe": probe})

    def refused(self, key: ModelKey, *, stop: bool) -> None:
        """Count a request that got no turn."""
        self._refused.add(1, {**_labels(key), "stop": stop})


def _observe(
    limiters: Iterable[Limiter], value: Callable[[LimiterState], float | None]
) -> Callable[[CallbackOptions], list[Observation]]:
    def observe(_: CallbackOptions) -> list[Observation]:
        values = [(limiter.key, value(limiter.state())) for limiter in limiters]
        return [Observation(amount, _labels(key)) for key, amount in values if amount is not None]

    return observe


def _in_flight(state: LimiterState) -> float:
    return state.in_flight


def _waiting(state: LimiterState) -> float:
    return state.waiting


def _concurrency(state: LimiterState) -> float:
    return state.concurrency


def _pace(state: LimiterState) -> float | None:
    return state.pace_per_s


def _closed(state: LimiterState) -> float:
    return {"closed": 1.0, "stopped": 2.0}.get(state.status, 0.0)


def _replicas(state: LimiterState) -> float:
    return state.replicas


def _labels(key: ModelKey) -> dict[str, str]:
    return {Attribute.PROVIDER: key.provider, Attribute.REQUEST_MODEL: key.model}
