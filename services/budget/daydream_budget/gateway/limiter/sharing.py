"""Tell other replicas of the gateway about this one's limiters, and listen to them.

A replica reports when something changes, and once a second while it has requests or a closed model.
An idle one reports every five seconds, so that others know of it. Without a connection each replica
limits alone (see `replicas`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

from pydantic import ValidationError

from daydream_budget.gateway.limiter.limiter import Limiter, LimiterContext
from daydream_budget.gateway.limiter.messages import MODELS_MAX, ReplicaReport
from daydream_budget.gateway.limiter.terms import ModelKey
from daydream_budget.gateway.limiter.timing import Timer

log = logging.getLogger(__name__)
BUSY_S, IDLE_S = 1.0, 5.0
GAP_S = 0.1  # between reports that are not urgent


class ReplicaChannel(Protocol):
    """Carry reports between replicas. A report may be lost, and only the last one counts."""

    @property
    def connected(self) -> bool:
        """Return True if reports of other replicas can arrive."""

    def send(self, body: bytes) -> None:
        """Send a report to all replicas, without waiting. Never raise."""

    def listen(self, receive: Callable[[bytes], None]) -> None:
        """Pass every report to `receive`, this replica's own ones too."""


class NoReplicas:
    """A channel without other replicas."""

    connected = True

    def send(self, body: bytes) -> None:
        """Drop the report."""

    def listen(self, receive: Callable[[bytes], None]) -> None:
        """Receive nothing."""


class Sharing:
    """Share the limiters of this replica with others.

    `limiters` returns them. `limiter_of` returns the one of a model that another replica uses.
    """

    def __init__(
        self,
        channel: ReplicaChannel,
        context: LimiterContext,
        limiters: Callable[[], Iterable[Limiter]],
        limiter_of: Callable[[ModelKey], Limiter | None],
    ) -> None:
        self._channel = channel
        self._context = context
        self._limiters, self._limiter_of = limiters, limiter_of
        self._timer: Timer | None = None
        self._due = self._sent = 0.0
        context.changed = self._changed

    def start(self) -> None:
        """Listen, and report for the first time."""
        self._channel.listen(self._receive)
        self._beat()

    def stop(self) -> None:
        """Tell others that this replica leaves."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._send(next_s=0.0)

    def _beat(self) -> None:
        """Report, let go of silent replicas, and let limiters look at what has changed."""
        scheduler, replicas = self._context.scheduler, self._context.replicas
        self._sent = scheduler.time()
        replicas.forget_silent(self._sent, connected=self._channel.connected)
        active = [limiter for limiter in self._limiters() if limiter.is_active]
        next_s = BUSY_S if active else IDLE_S
        self._timer, self._due = scheduler.call_later(next_s, self._beat), self._sent + next_s
        for limiter in active:
            limiter.pump()
        self._send(next_s)

    def _changed(self, urgent: bool) -> None:
        """Report at once if it is urgent, otherwise soon if a replica listens."""
        if self._timer is None:
            return
        now = self._context.scheduler.time()
        gap_s = 0.0 if urgent else GAP_S if len(self._context.replicas) else BUSY_S
        due = max(now, self._sent + gap_s)
        if due < self._due:
            self._timer.cancel()
            self._timer = self._context.scheduler.call_later(due - now, self._beat)
            self._due = due

    def _send(self, next_s: float) -> None:
        reports = [limiter.model_report() for limiter in self._limiters()] if next_s else []
        models = tuple(report for report in reports if report is not None)[:MODELS_MAX]
        report = ReplicaReport(replica=self._context.replicas.name, next_s=next_s, models=models)
        self._channel.send(report.model_dump_json().encode())

    def _receive(self, body: bytes) -> None:
        try:
            report = ReplicaReport.model_validate_json(body)
        except ValidationError as error:
            log.warning("a report of another replica is invalid: %s", error)
            return
        if report.replica != self._context.replicas.name:
            self._apply(report)

    def _apply(self, report: ReplicaReport) -> None:
        replicas = self._context.replicas
        is_new = not replicas.knows(report.replica)
        changes = replicas.receive(report, self._context.scheduler.time())
        for model in report.models:
            limiter = self._limiter_of(model.key)
            if limiter is not None:
                limiter.receive(model, *changes.get(model.key, (0, 0)))
        for limiter in self._limiters():
            if limiter.is_busy:
                limiter.pump()
        if is_new and replicas.knows(report.replica):
            self._changed(urgent=True)  # introduce this replica
