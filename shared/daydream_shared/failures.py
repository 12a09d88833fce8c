"""The whole tree of failures, and what happens to a message for each. Handlers raise; only `delivery` decides.

Failure
├── Transient      try again later with growing delay; after `FAILURES_MAX` a dead letter
├── NotNow         not a failure: refused by the budget, pushed back by a full stage, a server away. Waits as long as it lasts
├── Permanent      a dead letter at once; but none where its daydream has ended by an earlier delivery of the message
└── WrongSetting   at start only: one clear line with the mend, exit code 2

A message that does not validate is a dead letter ("invalid"); any other exception is a bug and a dead letter that names it.
A message whose workers keep dying is one after `DEATHS_MAX`: it may be what kills them, and each death may cost a call.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime

import nats.errors
import nats.js.errors
from pydantic import BaseModel, ValidationError

FAILURES_MAX = 5
DEATHS_MAX = 10
DELAY_S_MAX = 60.0
CLOSED = "closed"  # the reason of a Permanent: the envelope is, so a verdict or a dead letter has ended its daydream
STREAM_FULL = 10077  # JetStream: "maximum messages exceeded", under discard=new


class Failure(Exception):
    """Base of all failures that are expected."""


class Transient(Failure):
    """Worth another try; counted."""


class NotNow(Failure):
    """Worth another try, never counted. `until` or `delay_s` say when, if that is known."""

    def __init__(self, text: str, *, until: datetime | None = None, delay_s: float | None = None) -> None:
        super().__init__(text)
        self.until = until
        self.delay_s = delay_s


class Permanent(Failure):
    """No other try can help. `reason` is a short code that dashboards key on."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class WrongSetting(Failure):
    """The program can't start as it is set up. `mend` says what to do about it."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}. {mend}")
        self.what = what
        self.mend = mend


class Tally(BaseModel):
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
    tally: Tally
    text: str


@dataclass(frozen=True)
class DeadLetter:
    """Put the message aside for a person."""

    reason: str
    text: str


def decide(error: Exception, tally: Tally, *, now: datetime | None = None) -> Redeliver | DeadLetter:
    """What happens to a message whose handler raised `error`, given how it fared before."""
    text = f"{type(error).__name__}: {error}"[:500]
    if isinstance(error, ValidationError | json.JSONDecodeError | UnicodeDecodeError):
        return DeadLetter("invalid", text)
    if isinstance(error, Permanent):
        return DeadLetter(error.reason, text)
    if isinstance(error, Transient):
        failed = tally.model_copy(update={"failures": tally.failures + 1})
        if failed.failures >= FAILURES_MAX:
            return DeadLetter("failed-too-often", f"{failed.failures} failures, the last: {text}")
        return Redeliver(growing_delay_s(failed.failures), failed, text)
    if isinstance(error, NotNow) or is_broker_trouble(error):
        back = tally.model_copy(update={"handed_back": tally.handed_back + 1})
        return Redeliver(_wait_s(error, back, now or datetime.now(UTC)), back, text)
    return DeadLetter("bug", text)


def is_broker_trouble(error: Exception) -> bool:
    """NATS is away, slow, or a stage is full: the message is not to blame."""
    if isinstance(error, nats.js.errors.APIError):
        return (error.code or 0) >= 500 or error.err_code == STREAM_FULL
    return isinstance(error, nats.errors.Error | ConnectionError | TimeoutError)


def growing_delay_s(tries: int) -> float:
    """0.5, 1, 2 … 60 s, each with ±50 % jitter so that what failed together does not come back together."""
    return min(DELAY_S_MAX, 0.5 * float(2 ** min(tries - 1, 10))) * (0.5 + random.random())


def _wait_s(error: Exception, tally: Tally, now: datetime) -> float:
    if isinstance(error, NotNow):
        if error.delay_s is not None:
            return error.delay_s
        if error.until is not None:
            return max(0.1, (error.until - now).total_seconds())
    return growing_delay_s(tally.handed_back)
