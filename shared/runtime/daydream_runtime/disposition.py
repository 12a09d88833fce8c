"""Decide what happens to a message whose handler failed: redeliver it later, or make it a dead letter.

A message that does not validate is a dead letter ("invalid"). Any other unexpected exception is a bug, and a dead letter that names it.
A message whose workers keep crashing is one after `WORKER_CRASHES_MAX`: it may be what crashes them, and each crash may cost a call.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime

import nats.errors
import nats.js.errors
from pydantic import BaseModel, ValidationError

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError

FAILURES_MAX = 5
WORKER_CRASHES_MAX = 10
DELAY_S_MAX = 60.0
STREAM_FULL = 10077  # JetStream: "maximum messages exceeded", under discard=new


class DeliveryCounts(BaseModel):
    """How often a message failed and how often it was handed back without blame."""

    failures: int = 0
    handed_back: int = 0

    def deaths(self, deliveries: int) -> int:
        """Deliveries before this one that nobody gave back: their workers died or fell silent."""
        return max(0, deliveries - 1 - self.failures - self.handed_back)


@dataclass(frozen=True)
class Redeliver:
    """Give the message back for `delay_s`."""

    delay_s: float
    tally: DeliveryCounts
    text: str


@dataclass(frozen=True)
class Reject:
    """Put the message aside for a person."""

    reason: str
    text: str


def decide(
    error: Exception, tally: DeliveryCounts, *, now: datetime | None = None
) -> Redeliver | Reject:
    """What happens to a message whose handler raised `error`, given how it fared before."""
    text = f"{type(error).__name__}: {error}"[:500]
    if isinstance(error, ValidationError | json.JSONDecodeError | UnicodeDecodeError):
        return Reject("invalid", text)
    if isinstance(error, PermanentError):
        return Reject(error.reason, text)
    if isinstance(error, TransientError):
        failed = tally.model_copy(update={"failures": tally.failures + 1})
        if failed.failures >= FAILURES_MAX:
            return Reject("failed-too-often", f"{failed.failures} failures, the last: {text}")
        return Redeliver(backoff_s(failed.failures), failed, text)
    if isinstance(error, RetryLaterError) or is_broker_error(error):
        back = tally.model_copy(update={"handed_back": tally.handed_back + 1})
        return Redeliver(_wait_s(error, back, now or datetime.now(UTC)), back, text)
    return Reject("bug", text)


def is_broker_error(error: Exception) -> bool:
    """NATS is away, slow, or a stage is full: the message is not to blame."""
    if isinstance(error, nats.js.errors.APIError):
        return (error.code or 0) >= 500 or error.err_code == STREAM_FULL
    return isinstance(error, nats.errors.Error | ConnectionError | TimeoutError)


def backoff_s(tries: int) -> float:
    """0.5, 1, 2 … 60 s, each with ±50 % jitter so that what failed together does not come back together."""
    return min(DELAY_S_MAX, 0.5 * float(2 ** min(tries - 1, 10))) * (0.5 + random.random())


def _wait_s(error: Exception, tally: DeliveryCounts, now: datetime) -> float:
    if isinstance(error, RetryLaterError):
        if error.delay_s is not None:
            return error.delay_s
        if error.until is not None:
            return max(0.1, (error.until - now).total_seconds())
    return backoff_s(tally.handed_back)
