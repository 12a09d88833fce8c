"""What a loop in the background waits for and goes on after, where a handler would hand its message back."""

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


def retry_delay_s(trouble: BaseException) -> float:
    """How long."""
    return trouble.delay_s or WAIT_S if isinstance(trouble, RetryLaterError) else WAIT_S
