"""What an error of a provider means for the message, and for the money.

A call that was not sent (connection refused) or that the server refused (4xx, 429) costs nothing. A
broken or timed-out call and a 5xx may have been billed: their cost is unknown, which the ledger
counts in full.
"""

from __future__ import annotations

import openai

from daydream_contracts.errors import (
    DaydreamError,
    PermanentError,
    RetryLaterError,
    TransientError,
)

RETRY_AFTER_S_MAX = 3600.0
RETRY_AFTER_S_MIN = 0.1
RETRY_AFTER_S_DEFAULT = 5.0
MISCONFIGURED_RETRY_S = 30.0


class ModelCallError(Exception):
    """A call without an answer. `failure` is for the message; `may_have_cost` is for the ledger."""

    def __init__(self, failure: DaydreamError, *, may_have_cost: bool) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.may_have_cost = may_have_cost


def model_call_error(error: openai.APIError) -> ModelCallError:
    """Classify an error of the `openai` client."""
    match error:
        case openai.RateLimitError():
            delay_s = _retry_after_s(error)
            return _free(RetryLaterError("the model's server is busy (429)", delay_s=delay_s))
        case openai.AuthenticationError() | openai.PermissionDeniedError() | openai.NotFoundError():
            text = f"the model endpoint refuses: {error.message}"
            return _free(RetryLaterError(text, delay_s=MISCONFIGURED_RETRY_S))
        case openai.APIStatusError() if error.status_code < 500:
            text = f"{error.status_code}: {error.message}"
            return _free(PermanentError("refused-by-model", text))
        case openai.APITimeoutError():
            return _unknown_cost(TransientError("the model did not answer in time"))
        case openai.APIConnectionError():
            return _connection_error(error)
        case _:
            return _unknown_cost(TransientError(f"the model's server failed: {error.message}"))


def _connection_error(error: openai.APIConnectionError) -> ModelCallError:
    if type(error.__cause__).__name__ in ("ConnectError", "ConnectTimeout"):
        return _free(RetryLaterError(f"no connection to the model ({root_cause(error)})"))
    return _unknown_cost(TransientError(f"the call broke off ({root_cause(error)})"))


def _free(failure: DaydreamError) -> ModelCallError:
    return ModelCallError(failure, may_have_cost=False)


def _unknown_cost(failure: DaydreamError) -> ModelCallError:
    return ModelCallError(failure, may_have_cost=True)


def _retry_after_s(error: openai.RateLimitError) -> float:
    try:
        delay_s = float(error.response.headers.get("retry-after", ""))
    except ValueError:  # absent, or a date
        return RETRY_AFTER_S_DEFAULT
    return min(RETRY_AFTER_S_MAX, max(RETRY_AFTER_S_MIN, delay_s))


def root_cause(error: BaseException) -> str:
    """Return the type and the text of the first error in a chain of causes."""
    while error.__cause__ is not None:
        error = error.__cause__
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
