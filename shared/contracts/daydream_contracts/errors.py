"""The whole tree of expected failures. Handlers raise them; only the delivery middleware decides what happens to the message.

DaydreamError
├── TransientError       try again later with growing delay; counted, and after a number of failures a dead letter
├── RetryLaterError      not a failure: refused by the budget, pushed back by a full stage, a server away. Never counted
├── PermanentError       a dead letter at once, unless an earlier delivery of the message has ended its daydream
└── ConfigurationError   at start only: one clear line with the fix, exit code 2
"""

from __future__ import annotations

from datetime import datetime

RELEASED = "released"  # the reason of a PermanentError: the reservation is, so a verdict or a dead letter has ended its daydream


class DaydreamError(Exception):
    """Base of all failures that are expected."""


class TransientError(DaydreamError):
    """Worth another try; counted."""


class RetryLaterError(DaydreamError):
    """Worth another try, never counted. `until` or `delay_s` say when, if that is known."""

    def __init__(
        self, text: str, *, until: datetime | None = None, delay_s: float | None = None
    ) -> None:
        super().__init__(text)
        self.until = until
        self.delay_s = delay_s


class PermanentError(DaydreamError):
    """No other try can help. `reason` is a short code that dashboards key on."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ConfigurationError(DaydreamError):
    """The program can't start as it is set up. `fix` says what to do about it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}. {fix}")
        self.what = what
        self.fix = fix
