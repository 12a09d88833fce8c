"""Let a background loop continue after a transient error; a handler would return its message."""

from __future__ import annotations

import nats.errors
import nats.js.errors

from daydream_contracts.errors import DaydreamError, RetryLaterError

TRANSIENT_ERRORS = (
    DaydreamError,
    nats.errors.Error,
    nats.js.errors.Error,
    ConnectionError,
    TimeoutError,
)
WAIT_S = 5.0


def retry_delay_s(error: BaseException) -> float:
    """Return the seconds until the loop tries again: what the error names, or `WAIT_S`."""
    return (error.delay_s or WAIT_S) if isinstance(error, RetryLaterError) else WAIT_S
