"""Decide whether a message whose handler failed is redelivered later or becomes a dead letter.

A message that does not validate is a dead letter ("invalid"). Any other unexpected exception is a
bug, and a dead letter that names it. A poison message, whose workers keep crashing, is a dead
letter after `WORKER_CRASHES_MAX`: it may be what crashes them, and each crash may cost a call.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from daydream_contracts.errors import PermanentError, RetryLaterError, TransientError
from daydream_runtime.broker_errors import BUG, kind_of
from daydream_runtime.delivery_counts import DeliveryCounts

FAILURES_MAX = 5
BACKOFF_S_MAX = 60.0
WORKER_CRASHES_MAX = 10
TEXT_CHARS_MAX = 500


@dataclass(frozen=True)
class Redeliver:
    """Deliver the message again after `delay_s`, with these counts."""

    delay_s: float
    counts: DeliveryCounts
    text: str


@dataclass(frozen=True)
class Reject:
    """Make the message a dead letter. `reason` is a short code that dashboards key on."""

    reason: str
    text: str


def decide(
    error: Exception, counts: DeliveryCounts, *, now: datetime | None = None
) -> Redeliver | Reject:
    """Return the disposition of a message whose handler raised `error`, given its `counts`."""
    text = f"{type(error).__name__}: {error}"[:TEXT_CHARS_MAX]
    if isinstance(error, ValidationError | json.JSONDecodeError | UnicodeDecodeError):
        return Reject("invalid", text)
    if isinstance(error, PermanentError):
        return Reject(error.reason, text)
    if isinstance(error, TransientError):
        failed = counts.model_copy(update={"failures": counts.failures + 1})
        if failed.failures >= FAILURES_MAX:
            return Reject("failed-too-often", f"{failed.failures} failures, the last: {text}")
        return Redeliver(backoff_s(failed.failures), failed, text)
    if isinstance(error, RetryLaterError) or is_broker_error(error):
        returned = counts.model_copy(update={"returned": counts.returned + 1})
        return Redeliver(_delay_s(error, returned, now or datetime.now(UTC)), returned, text)
    return Reject("bug", text)


def is_broker_error(error: Exception) -> bool:
    """Return True if NATS is the cause and not the message: away, slow, full or misconfigured."""
    return kind_of(error) not in (None, BUG)


def _delay_s(error: Exception, counts: DeliveryCounts, now: datetime) -> float:
    if isinstance(error, RetryLaterError):
        if error.delay_s is not None:
            return error.delay_s
        if error.until is not None:
            return max(0.1, (error.until - now).total_seconds())
    return backoff_s(counts.returned)


def backoff_s(tries: int) -> float:
    """Return 0.5, 1, 2 … 60 s, with ±50 % jitter, so that joint failures do not return jointly."""
    return min(BACKOFF_S_MAX, 0.5 * float(2 ** min(tries - 1, 10))) * (0.5 + random.random())
