"""A work queue that delivers at least once, and the product's decision about failures."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daydream_contracts.errors import DaydreamError
from daydream_runtime.delivery_counts import DeliveryCounts
from daydream_runtime.disposition import WORKER_CRASHES_MAX, Redeliver, decide

ACK_WAIT = timedelta(seconds=10)
DUPLICATE_WINDOW = timedelta(minutes=2)
LOST_ACK_SHARE = 0.02


class WorkerKilledError(Exception):
    """The worker dies at this line. Only the simulation catches it."""


@dataclass
class SimulatedMessage:
    """A message by its derived id. `due` is when it may be delivered again."""

    message_id: str
    due: datetime
    deliveries: int = 0
    counts: DeliveryCounts = field(default_factory=DeliveryCounts)


@dataclass
class SimulatedQueue:
    """The waiting messages. `dead` holds the ids of dead letters with their reasons."""

    chance: random.Random
    waiting: list[SimulatedMessage] = field(default_factory=list)
    dead: dict[str, str] = field(default_factory=dict)
    _published: dict[str, datetime] = field(default_factory=dict)

    def publish(self, message_id: str, now: datetime) -> None:
        """Store a message, unless it has the id of one of the last two minutes."""
        last = self._published.get(message_id)
        if last is None or now - last > DUPLICATE_WINDOW:
            self.waiting.append(SimulatedMessage(message_id, now))
        self._published[message_id] = now
        if len(self._published) > 10_000:
            recent = self._published.items()
            self._published = {key: at for key, at in recent if now - at <= DUPLICATE_WINDOW}

    def deliver(self, handler: Callable[[str], None], now: datetime) -> bool:
        """Deliver a message that is due, in any order. Return False if there is none."""
        due = [message for message in self.waiting if message.due <= now]
        if not due:
            return False
        message = self.chance.choice(due)
        message.deliveries += 1
        message.due = now + ACK_WAIT
        if message.counts.worker_crashes(message.deliveries) >= WORKER_CRASHES_MAX:
            self._put_aside(message, "poison")
            return True
        try:
            handler(message.message_id)
        except WorkerKilledError:
            return True
        except DaydreamError as error:  # anything else is a fault that was found
            self._decide(message, error, now)
            return True
        if self.chance.random() > LOST_ACK_SHARE:
            self.waiting.remove(message)
        return True

    def _decide(self, message: SimulatedMessage, error: Exception, now: datetime) -> None:
        disposition = decide(error, message.counts, now=now)
        if isinstance(disposition, Redeliver):
            message.counts = disposition.counts
            message.due = now + timedelta(seconds=disposition.delay_s)
        else:
            self._put_aside(message, disposition.reason)

    def _put_aside(self, message: SimulatedMessage, reason: str) -> None:
        self.dead[message.message_id] = reason
        self.waiting.remove(message)
