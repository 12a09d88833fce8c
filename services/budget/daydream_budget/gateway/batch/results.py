"""What a batch API says: the results of a batch that has ended, or why it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.read_reply import read_reply
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_contracts.errors import RetryLaterError

ANSWERED = 200
FAILED = 502  # stands for a failure without an HTTP answer
NOT_MADE = ("batch_expired", "batch_cancelled")


@dataclass(frozen=True)
class BatchResults:
    """The results of a batch that has ended: answers and refusals by call id.

    A call in neither was not made. Unless `is_whole`, it may have been made: results are missing or
    can't be read.
    """

    status: str
    answers: Mapping[str, ProviderReply] = field(default_factory=dict)
    refused: Mapping[str, ProviderReply] = field(default_factory=dict)
    reason: str = ""
    is_whole: bool = True


class BatchApiError(RetryLaterError):
    """Report that the batch API is away, busy or refuses. `reply` is what it said.

    Its words come from `Provider`, which has taken the key out of them.
    """

    def __init__(self, reply: ProviderReply) -> None:
        words = reply.message or classify(reply).name
        super().__init__(f"the batch API does not answer: {words}")
        self.reply = reply


def read_results(status: str, lines: Iterable[bytes], reason: str = "") -> BatchResults:
    """Read both files of results. Their lines are read like the answers of single calls."""
    answers: dict[str, ProviderReply] = {}
    refused: dict[str, ProviderReply] = {}
    is_whole = True
    for line in lines:
        result = _object_of(line)
        call_id = result.get("custom_id")
        if not isinstance(call_id, str):
            is_whole = False
            continue
        response, error = _mapping(result.get("response")), _mapping(result.get("error"))
        if not response and error.get("code") in NOT_MADE:
            continue
        reply = _reply(response, error)
        is_answer = response.get("status_code") == ANSWERED
        (answers if is_answer else refused)[call_id] = reply
    return BatchResults(status, answers, refused, reason, is_whole)


def _reply(response: Mapping[str, Any], error: Mapping[str, Any]) -> ProviderReply:
    """Return a result as a reply. An error without an HTTP answer has the status that it names."""
    status = response.get("status_code")
    raw = json.dumps(response.get("body") or {"error": error or {"message": "no answer"}}).encode()
    if isinstance(status, int) and not isinstance(status, bool):
        return read_reply(status, {}, raw)
    reply = read_reply(ANSWERED, {}, raw)
    return read_reply(FAILED, {}, raw) if reply.is_error_in_200 else reply


def _object_of(line: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(line))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
