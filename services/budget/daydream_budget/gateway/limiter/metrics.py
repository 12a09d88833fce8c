"""Metrics of the limiters of one replica.

Gauges of calls and waiters belong to a replica: add them up. The pace and the availability are the
same in all replicas: take the maximum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from daydream_budget.gateway.limiter.limiter import Limiter
from daydream_budget.gateway.limiter.terms import LimiterState, ModelKey, Signal, WaitReason
from daydream_contracts.metrics import gateway as table
from daydream_runtime.instruments import Values
from daydream_runtime.telemetry import Telemetry


class LimiterMetrics:
    """Observe limiters: pass it to their registry, then let it watch the registry."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._wait_s = telemetry.histogram(table.WAITED)
        self._attempts = telemetry.counter(table.ATTEMPTS)
        self._refused = telemetry.counter(table.REFUSED)

    def watch(self, limiters: Iterable[Limiter]) -> None:
        """Add gauges of these limiters, which may become more."""
        for metric, value in (
            (table.IN_FLIGHT, _in_flight),
            (table.WAITING, _waiting),
            (table.CONCURRENCY, _concurrency),
            (table.PACE, _pace),
            (table.CLOSED, _closed),
            (table.REPLICAS, _replicas),
        ):
            self._telemetry.gauge(metric, _values(limiters, value))

    def waited(self, key: ModelKey, reason: WaitReason, seconds: float) -> None:
        """Record the wait of a turn. The counters of a model begin with its first turn."""
        self._wait_s.record(seconds, *_labels(key), reason)
        self._attempts.start(*_each(key), table.SIGNAL.values, table.PROBE.values)
        self._refused.start(*_each(key), table.STOP.values)

    def reported(self, key: ModelKey, signal: Signal, *, probe: bool) -> None:
        """Count a finished attempt."""
        self._attempts.add(1, *_labels(key), signal, str(probe).lower())

    def refused(self, key: ModelKey, *, stop: bool) -> None:
        """Count a request that got no turn."""
        self._refused.add(1, *_labels(key), str(stop).lower())


def _values(
    limiters: Iterable[Limiter], value: Callable[[LimiterState], float | None]
) -> Callable[[], Values]:
    def values() -> Values:
        for limiter in limiters:
            amount = value(limiter.state())
            if amount is not None:
                yield amount, _labels(limiter.key)

    return values


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


def _labels(key: ModelKey) -> tuple[str, str]:
    return key.provider, key.model


def _each(key: ModelKey) -> tuple[list[str], list[str]]:
    return [key.provider], [key.model]
