"""A provider's batch API, as at OpenAI: many calls in one file, at a lower price.

A batch ends within a day as completed, failed (no call was made), expired or cancelled. Calls of
expired and cancelled batches that were finished are charged. There are two files of results, one of
answers and one of errors, in no order. A call in neither was not made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal
from urllib.parse import parse_qsl

import openai
from openai.types import Batch

from daydream_budget.gateway.batch.results import BatchApiError, BatchResults
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.read_reply import read_reply
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_contracts.errors import ConfigurationError

COMPLETION_WINDOW: Literal["24h"] = "24h"
CALL_PATH: Literal["/v1/chat/completions"] = "/v1/chat/completions"
INTENT_KEY = "daydream_batch"  # metadata that finds a batch whose id was never received
ENDED = ("completed", "failed", "expired", "cancelled")
LIST_PAGE = 100
ANSWERED = 200
NO_STATUS = 400  # stands for a failure without an HTTP answer
NOT_MADE = "batch_expired"
REASON_CHARS_MAX = 300


class BatchApi:
    """The batch API of an endpoint. All methods raise BatchApiError."""

    def __init__(self, config: ProviderConfig) -> None:
        self._url = config.address.root
        self._client = openai.AsyncOpenAI(
            api_key=config.api_key.get_secret_value() or "none",
            base_url=config.address.root,
            default_headers=config.authorization(),
            default_query=dict(parse_qsl(config.address.query)) | config.query,
            timeout=config.timeout_s,
            max_retries=0,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def check(self) -> None:
        """Raise ConfigurationError if the endpoint has no batch API."""
        try:
            await self._client.batches.list(limit=1)
        except openai.NotFoundError:
            raise ConfigurationError(
                f"the provider at {self._url} has no batch API",
                "Turn off batch for its models: DAYDREAM_MODEL_BATCH=false, or in their table",
            ) from None
        except openai.APIError:
            return  # it may be busy; calls will report it

    async def find(self, name: str) -> str:
        """Return the id of the batch created under this intent's name, or an empty string."""
        try:
            async for batch in self._client.batches.list(limit=LIST_PAGE):
                if (batch.metadata or {}).get(INTENT_KEY) == name:
                    return batch.id
        except openai.APIError as error:
            raise _error(error) from error
        return ""

    async def create(self, name: str, calls: Mapping[str, Mapping[str, Any]]) -> str:
        """Create a batch of these calls, given by their ids. Return the id of the batch."""
        lines = [
            json.dumps(
                {"custom_id": call_id, "method": "POST", "url": CALL_PATH, "body": body},
                ensure_ascii=False,
            )
            for call_id, body in calls.items()
        ]
        content = "\n".join(lines).encode()
        try:
            file = await self._client.files.create(file=(f"{name}.jsonl", content), purpose="batch")
            batch = await self._client.batches.create(
                input_file_id=file.id,
                endpoint=CALL_PATH,
                completion_window=COMPLETION_WINDOW,
                metadata={INTENT_KEY: name},
            )
        except openai.APIError as error:
            raise _error(error) from error
        return batch.id

    async def results(self, batch_id: str) -> BatchResults | None:
        """Return the results of a batch, or None while it is in progress."""
        try:
            batch = await self._client.batches.retrieve(batch_id)
            if batch.status not in ENDED:
                return None
            lines = await self._read_lines(batch)
        except openai.NotFoundError:
            return BatchResults("failed", reason="the provider no longer knows this batch")
        except openai.APIError as error:
            raise _error(error) from error
        answers, refused = _sort_results(lines)
        errors = (batch.errors.data if batch.errors else None) or []
        reason = "; ".join(error.message or "" for error in errors)
        return BatchResults(batch.status, answers, refused, reason[:REASON_CHARS_MAX])

    async def _read_lines(self, batch: Batch) -> list[str]:
        """Return the lines of both files of results."""
        lines: list[str] = []
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                lines += (await self._client.files.content(file_id)).text.splitlines()
        return [line for line in lines if line.strip()]


def _sort_results(
    lines: Iterable[str],
) -> tuple[dict[str, ProviderReply], dict[str, ProviderReply]]:
    """Return answers and refusals by call id. They are read like those of single calls."""
    answers: dict[str, ProviderReply] = {}
    refused: dict[str, ProviderReply] = {}
    for line in lines:
        result = json.loads(line)
        response, error = result.get("response") or {}, result.get("error") or {}
        if not response and error.get("code") == NOT_MADE:
            continue
        status = response.get("status_code") or NO_STATUS
        body = response.get("body") or {"error": error}
        reply = read_reply(status, {}, json.dumps(body).encode())
        (answers if status == ANSWERED else refused)[result["custom_id"]] = reply
    return answers, refused


def _error(error: openai.APIError) -> BatchApiError:
    reply = None
    if isinstance(error, openai.APIStatusError):
        response = error.response
        reply = read_reply(response.status_code, response.headers, response.content)
    return BatchApiError(error.message, reply)
