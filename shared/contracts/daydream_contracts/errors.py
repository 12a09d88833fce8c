"""Define all expected errors. Handlers raise them; the delivery middleware decides what follows.

    DaydreamError
    ├── TransientError      redelivered with a growing delay; a dead letter after five failures
    ├── RetryLaterError     redelivered for as long as it takes: refused by the budget, server away
    ├── PermanentError      a dead letter at once, unless an earlier delivery ended the daydream
    └── ConfigurationError  at start only: one line with the fix, and exit code 2

`daydream_runtime.disposition` holds the whole rule, also for errors of NATS and for bugs.
"""

from __future__ import annotations

from datetime import datetime

# Reason of a PermanentError: the reservation was released, so a verdict or a dead letter has ended
# the daydream.
RELEASED = "released"


class DaydreamError(Exception):
    """Base of all expected errors."""


class TransientError(DaydreamError):
    """Ask for another try, and count it."""


class RetryLaterError(DaydreamError):
    """Ask for another try that is never counted. `until` or `delay_s` say when, if known."""

    def __init__(
        self, text: str, *, until: datetime | None = None, delay_s: float | None = None
    ) -> None:
        super().__init__(text)
        self.until = until
        self.delay_s = delay_s


class PermanentError(DaydreamError):
    """Report that no other try can help. `reason` is a short code that dashboards key on."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class ConfigurationError(DaydreamError):
    """Report a setting that keeps the program from starting. `fix` says what to do."""

    def __init__(self, problem: str, fix: str) -> None:
        super().__init__(f"{problem}. {fix}")
        self.problem = problem
        self.fix = fix
