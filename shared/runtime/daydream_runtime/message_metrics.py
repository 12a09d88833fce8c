"""Measure messages: rate, errors and duration, and how long they waited in their queue."""

from __future__ import annotations

import time
from collections.abc import Sized

from nats.aio.msg import Msg

from daydream_contracts.metrics import service as table
from daydream_runtime.telemetry import Telemetry

DEAD = "dead"
JETSTREAM_REPLY = "$JS.ACK"


class MessageMetrics:
    """Measure the messages that one service takes. `in_progress`: those that it works on."""

    def __init__(self, telemetry: Telemetry, in_progress: Sized) -> None:
        self._handled = telemetry.counter(table.MESSAGES)
        self._dead = telemetry.counter(table.DEAD_LETTERS)
        self._duration_s = telemetry.histogram(table.MESSAGE_DURATION)
        self._age_s = telemetry.histogram(table.MESSAGE_AGE)
        telemetry.gauge(table.IN_PROGRESS, lambda: [(len(in_progress), ())])

    def start(self, subject: str) -> None:
        """Let the series of a subject begin at 0."""
        self._handled.start([subject], table.OUTCOME.values)
        self._dead.start([subject], table.DEAD_REASONS)

    def received(self, message: Msg) -> None:
        """Record how long a message waited, as far as the clocks of NATS and service agree."""
        if message.reply.startswith(JETSTREAM_REPLY):
            age_s = time.time() - message.metadata.timestamp.timestamp()
            self._age_s.record(max(0.0, age_s), message.subject)

    def handled(self, subject: str, outcome: str, duration_s: float) -> None:
        """Count a delivery. The outcome of a dead letter is `dead:REASON`."""
        outcome, _, reason = outcome.partition(":")
        self._handled.add(1, subject, outcome)
        if outcome == DEAD:
            self._dead.add(1, subject, reason)
        self._duration_s.record(duration_s, subject)
