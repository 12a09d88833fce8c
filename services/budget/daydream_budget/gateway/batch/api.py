"""A provider's batch API, as at OpenAI: many calls in one file, at a lower price.

A batch ends within a day as completed, failed (no call was made), expired or cancelled. Calls of
expired and cancelled batches that were finished are charged. There are two files of results, one of
answers and one of errors, in no order. A call in neither was not made.

All requests go through `Provider`: its limits of time and size hold here too, no redirect gets the
key, and no text names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from daydream_budget.gateway.batch.results import BatchApiError, BatchResults, read_results
from daydream_budget.gateway.providers.provider import FileUpload, Provider
from daydream_budget.gateway.providers.read_reply import read_reply
from daydream_budget.gateway.providers.reply import ProviderReply, shorten
from daydream_contracts.errors import ConfigurationError

COMPLETION_WINDOW = "24h"
CALL_PATH = "/v1/chat/completions"
BATCHES_PATH = "/batches"
FILES_PATH = "/files"
PURPOSE = "batch"
INTENT_KEY = "daydream_batch"  # metadata that finds a batch whose id was never received
ENDED = ("completed", "failed", "expired", "cancelled")
LIST_PAGE = 100
LIST_PAGES_MAX = 100  # the newest batches come first
NOT_FOUND = 404
NO_SUCH_API = (404, 405)
REASON_CHARS_MAX = 300


class BatchApi:
    """The batch API of a provider. All methods but `check` raise BatchApiError."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    async def check(self) -> None:
        """Raise ConfigurationError if the provider has no batch API."""
        answer = await self._provider.fetch("GET", BATCHES_PATH, query={"limit": "1"})
        if isinstance(answer, ProviderReply) and answer.status in NO_SUCH_API:
            raise ConfigurationError(
                f"the provider at {self._provider.config.address.root} has no batch API",
                "Turn off batch for its models: DAYDREAM_MODEL_BATCH=false, or in their table",
            )
        # with any other error it may be busy; calls will report it

    async def find(self, name: str) -> str:
        """Return the id of the batch created under this intent's name, or an empty string."""
        query = {"limit": str(LIST_PAGE)}
        for _ in range(LIST_PAGES_MAX):
            page = await self._object("GET", BATCHES_PATH, query=query)
            batches = page.get("data")
            if not isinstance(batches, list):
                raise _not_understood(page)
            for batch in batches:
                if isinstance(batch, dict) and _intent_of(batch) == name:
                    return _id(batch)
            if not batches or not page.get("has_more"):
                break
            query["after"] = _id(batches[-1])
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
        upload = FileUpload(f"{name}.jsonl", "\n".join(lines).encode(), PURPOSE)
        file = await self._object("POST", FILES_PATH, upload=upload)
        asked = {
            "input_file_id": _id(file),
            "endpoint": CALL_PATH,
            "completion_window": COMPLETION_WINDOW,
            "metadata": {INTENT_KEY: name},
        }
        return _id(await self._object("POST", BATCHES_PATH, body=asked))

    async def results(self, batch_id: str) -> BatchResults | None:
        """Return the results of a batch, or None while it is in progress."""
        try:
            batch = await self._object("GET", f"{BATCHES_PATH}/{quote(batch_id, safe='')}")
        except BatchApiError as error:
            if error.reply.status != NOT_FOUND or error.reply.shape != "error":
                raise
            reason = "the provider no longer knows this batch"
            return BatchResults("failed", reason=reason, is_whole=False)
        status = batch.get("status")
        if not isinstance(status, str):
            raise _not_understood(batch)
        if status not in ENDED:
            return None
        results = read_results(status, await self._lines(batch), _reason(batch))
        if _completed(batch) > len(results.answers) + len(results.refused):
            return replace(results, is_whole=False)
        return results

    async def _lines(self, batch: Mapping[str, Any]) -> list[bytes]:
        """Return the lines of both files of results."""
        lines: list[bytes] = []
        for name in ("output_file_id", "error_file_id"):
            file_id = batch.get(name)
            if isinstance(file_id, str) and file_id:
                content = await self._fetch(
                    "GET", f"{FILES_PATH}/{quote(file_id, safe='')}/content"
                )
                lines += content.splitlines()
        return [line for line in lines if line.strip()]

    async def _fetch(self, method: str, path: str, **request: Any) -> bytes:
        answer = await self._provider.fetch(method, path, **request)
        if isinstance(answer, ProviderReply):
            raise BatchApiError(answer)
        return answer

    async def _object(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        raw = await self._fetch(method, path, **request)
        try:
            body = json.loads(raw)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict) or body.get("error"):
            raise BatchApiError(read_reply(200, {}, raw))
        return body


def _id(created: object) -> str:
    name = created.get("id") if isinstance(created, dict) else None
    if not isinstance(name, str) or not name:
        raise _not_understood(created)
    return name


def _intent_of(batch: Mapping[str, Any]) -> object:
    metadata = batch.get("metadata")
    return metadata.get(INTENT_KEY) if isinstance(metadata, Mapping) else None


def _completed(batch: Mapping[str, Any]) -> int:
    """Return how many calls the provider says that it has made."""
    counts = batch.get("request_counts")
    completed = counts.get("completed") if isinstance(counts, Mapping) else None
    return completed if isinstance(completed, int) else 0


def _reason(batch: Mapping[str, Any]) -> str:
    errors = batch.get("errors")
    rows = errors.get("data") if isinstance(errors, Mapping) else None
    words = [
        str(row.get("message") or "")
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, Mapping)
    ]
    return shorten("; ".join(words), REASON_CHARS_MAX)


def _not_understood(body: object) -> BatchApiError:
    return BatchApiError(read_reply(200, {}, json.dumps(body).encode()))
