"""What a batch API says: the results of a batch that has ended, or why it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_contracts.errors import RetryLaterError


@dataclass(frozen=True)
class BatchResults:
    """The results of a batch that has ended: answers and refusals by call id.

    A call in neither was not made.
    """

    status: str
    answers: Mapping[str, ProviderReply] = field(default_factory=dict)
    refused: Mapping[str, ProviderReply] = field(default_factory=dict)
    reason: str = ""


class BatchApiError(RetryLaterError):
    """Report that the batch API is away, busy or refuses. `reply` is what it said, if it did."""

    def __init__(self, message: str, reply: ProviderReply | None = None) -> None:
        super().__init__(f"the batch API does not answer: {message}")
        self.reply = reply
