"""The other replicas of the gateway, as their last reports describe them.

**Shares.** A replica gets the part of a model's limits that its requests are of all requests. Long
and short queues thus move equally fast, and a replica without requests holds nothing. A replica
that has just begun assumes for a moment that all others did, too.

**The probe.** Of the replicas with waiting requests the one with the lowest name sends it, unless
another says that its probe is in flight. An election by name needs no server. A key in a bucket
would be exact, but needs a request for each probe, a guess of how long a probe takes, and
JetStream. Two replicas with different views may send two probes; that is rare and harmless. If the
elected replica falls silent, it is forgotten after three reports and the next one probes.

**Without NATS** silence says nothing. The replicas known last divide the limits equally, and each
sends its own probes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from daydream_budget.gateway.limiter.messages import ModelReport, ReplicaReport
from daydream_budget.gateway.limiter.terms import ModelKey

SETTLE_S = 0.25  # until others know that this replica has requests
REPORTS_MISSED_MAX = 3
REPLICAS_MAX = 1000


@dataclass
class ReplicaView:
    """One other replica."""

    expires: float
    models: dict[ModelKey, ModelReport]
    counters: dict[ModelKey, tuple[int, int]] = field(default_factory=dict)


class Replicas:
    """Hold the other replicas."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._views: dict[str, ReplicaView] = {}
        self._connected = True

    def __len__(self) -> int:
        return len(self._views)

    def knows(self, name: str) -> bool:
        """Return True if this replica has reported lately."""
        return name in self._views

    def receive(self, report: ReplicaReport, now: float) -> dict[ModelKey, tuple[int, int]]:
        """Take note of a report. Return what was accepted since the last one, by model.

        The amounts are starts and tokens. A replica's first report counts from there on.
        """
        known = self._views.get(report.replica)
        if report.next_s == 0 or (known is None and len(self._views) >= REPLICAS_MAX):
            self._views.pop(report.replica, None)
            return {}
        models = {model.key: model for model in report.models}
        expires = now + REPORTS_MISSED_MAX * report.next_s
        counters = {model.key: (model.accepted, model.tokens) for model in report.models}
        if known is None:
            self._views[report.replica] = ReplicaView(expires, models, counters)
            return {}
        changes = {
            key: _change(known.counters.get(key), now_at) for key, now_at in counters.items()
        }
        known.counters.update(counters)
        known.expires, known.models = expires, models
        return changes

    def forget_silent(self, now: float, *, connected: bool) -> None:
        """Forget replicas that missed their reports, unless this one cannot receive any."""
        reconnected = connected and not self._connected
        self._connected = connected
        if reconnected:
            for view in self._views.values():
                view.expires = max(view.expires, now + REPORTS_MISSED_MAX)
        elif connected:
            silent = [name for name, view in self._views.items() if view.expires < now]
            for name in silent:
                del self._views[name]

    def share(self, key: ModelKey, demand: int, *, settled: bool) -> float:
        """Return this replica's part of a model's limits."""
        equal = 1 / (1 + len(self._views))
        if not self._connected:
            return equal
        demand = max(1, demand)
        own = demand / (demand + sum(report.demand for report in self._reports(key).values()))
        return own if settled else min(own, equal)

    def may_probe(self, key: ModelKey, *, settled: bool) -> bool:
        """Return True if this replica sends the probe of a model for which it has requests."""
        if not self._connected or not self._views:
            return True
        reports = self._reports(key)
        return settled and not any(
            report.probing or (report.waiting > 0 and name < self.name)
            for name, report in reports.items()
        )

    def _reports(self, key: ModelKey) -> dict[str, ModelReport]:
        return {name: view.models[key] for name, view in self._views.items() if key in view.models}


def _change(before: tuple[int, int] | None, after: tuple[int, int]) -> tuple[int, int]:
    accepted, tokens = before or (0, 0)
    return after[0] - accepted, after[1] - tokens
