"""A provider's batch API (files and batches, as OpenAI has them): many calls in one file, at a lower price, answered within a day.

A batch ends as completed, failed (nothing of it was done), expired or cancelled; expired and cancelled ones have finished parts, which are charged.
There are two files of results, of answers and of errors, in no order; a call in neither was not made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import openai
from openai.types.chat import ChatCompletion

from daydream_contracts.errors import ConfigurationError, RetryLaterError, TransientError
from daydream_models.provider import ProviderAnswer, failure_of, raw_answer
from daydream_models.settings import ModelSettings

WINDOW: Literal["24h"] = "24h"
PATH: Literal["/v1/chat/completions"] = "/v1/chat/completions"
INTENT = "daydream_batch"  # our own name of a batch, in its metadata: by it one is found whose id was never heard
ENDED = ("completed", "failed", "expired", "cancelled")


@dataclass(frozen=True)
class BatchResults:
    """What became of the calls of a batch that has ended: answers and refusals by call id; what is in neither was not made."""

    status: str
    answers: Mapping[str, ProviderAnswer] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


class BatchApi:
    """The batch API of an endpoint. All methods raise RetryLaterError while it is away or busy, Transient for what it refuses."""

    def __init__(self, settings: ModelSettings) -> None:
        self._where = settings.base_url
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key.get_secret_value() or "none",
            base_url=settings.base_url,
            timeout=settings.timeout_s,
            max_retries=0,
        )

    async def close(self) -> None:
        await self._client.close()

    async def check(self) -> None:
        """ConfigurationError when the endpoint has no batch API."""
        try:
            await self._client.batches.list(limit=1)
        except openai.NotFoundError:
            raise ConfigurationError(
                f"the model endpoint {self._where} has no batch API",
                "Set DAYDREAM_MODEL_BATCH=false for it",
            ) from None
        except openai.APIError:
            return  # it may be busy; calls will say so

    async def find(self, name: str) -> str:
        """The id of the batch that was created under this name of ours; empty when there is none."""
        try:
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(INTENT) == name:
                    return batch.id
        except openai.APIError as error:
            raise _failure(error) from error
        return ""

    async def create(self, name: str, calls: Mapping[str, Mapping[str, Any]]) -> str:
        """Hand in calls, by their ids; the id of the batch."""
        lines = [
            json.dumps(
                {"custom_id": key, "method": "POST", "url": PATH, "body": body}, ensure_ascii=False
            )
            for key, body in calls.items()
        ]
        try:
            file = await self._client.files.create(
                file=(f"{name}.jsonl", "\n".join(lines).encode()), purpose="batch"
            )
            batch = await self._client.batches.create(
                input_file_id=file.id,
                endpoint=PATH,
                completion_window=WINDOW,
                metadata={INTENT: name},
            )
        except openai.APIError as error:
            raise _failure(error) from error
        return batch.id

    async def results(self, batch_id: str) -> BatchResults | None:
        """What became of it; None while it goes on."""
        try:
            batch = await self._client.batches.retrieve(batch_id)
            if batch.status not in ENDED:
                return None
            lines = [
                line
                for file in (batch.output_file_id, batch.error_file_id)
                if file
                for line in (await self._client.files.content(file)).text.splitlines()
            ]
        except openai.NotFoundError:
            return BatchResults("failed", why="the provider does not know this batch any more")
        except openai.APIError as error:
            raise _failure(error) from error
        answers, refused = dict[str, ProviderAnswer](), dict[str, str]()
        for line in filter(None, map(str.strip, lines)):
            one = json.loads(line)
            response = one.get("response") or {}
            if response.get("status_code") == 200:
                answers[one["custom_id"]] = raw_answer(
                    ChatCompletion.model_validate(response["body"])
                )
            else:
                refused[one["custom_id"]] = json.dumps(one.get("error") or response.get("body"))[
                    :300
                ]
        errors = batch.errors.data or [] if batch.errors else []
        return BatchResults(
            batch.status, answers, refused, "; ".join(one.message or "" for one in errors)[:300]
        )


def _failure(error: openai.APIError) -> RetryLaterError | TransientError:
    found = failure_of(error).failure
    return (
        found if isinstance(found, RetryLaterError) else TransientError(f"the batch API: {found}")
    )
