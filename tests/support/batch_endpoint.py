"""The batch API of the priced endpoint: files and batches, at half the price.

`misbehave(batch={…})` sets the number of `looks` before a batch ends, the `status` that it ends
with, the number of calls that it should `finish`, and a word in calls to `refuse` in these `words`.
`drop_create` loses the answer to a creation. `response` comes in place of all answers, which are
billed; `cost_usd` is what the answers say that they cost; with `same` all have the same text.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

BATCH_FACTOR = 0.5


class Batches:
    """The files and batches so far. `complete` returns the body of an answer and its usual cost."""

    def __init__(
        self,
        complete: Callable[[dict[str, Any]], tuple[dict[str, Any], int]],
        book: Callable[[str, int, str], None],
    ) -> None:
        self.files: dict[str, str] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self._complete = complete
        self._book = book

    def upload(self, data: bytes) -> dict[str, Any]:
        """Store the file of a multipart form."""
        match = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', data, re.DOTALL)
        assert match, data[:300]
        return self._file(match[1].decode())

    def _file(self, content: str) -> dict[str, Any]:
        name = f"file-{len(self.files)}"
        self.files[name] = content
        return {
            "id": name,
            "object": "file",
            "bytes": len(content),
            "created_at": 0,
            "filename": "f.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def create(self, request: dict[str, Any], behaviour: dict[str, Any]) -> dict[str, Any]:
        """Create a batch."""
        name = f"batch-{len(self.batches)}"
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "endpoint": request["endpoint"],
            "input_file_id": request["input_file_id"],
            "completion_window": "24h",
            "created_at": 0,
            "status": "in_progress",
            "metadata": request.get("metadata"),
            "looks": behaviour.get("looks", 1),
        }
        return self.batches[name]

    def look(self, name: str, behaviour: dict[str, Any]) -> dict[str, Any] | None:
        """Return a batch, which ends after `looks` calls."""
        batch = self.batches.get(name)
        if batch is not None and batch["status"] == "in_progress":
            batch["looks"] -= 1
            if batch["looks"] < 0:
                self._end(batch, behaviour)
        return batch

    def _end(self, batch: dict[str, Any], behaviour: dict[str, Any]) -> None:
        batch["status"] = behaviour.get("status", "completed")
        if batch["status"] == "failed":
            batch["errors"] = {"object": "list", "data": [{"code": "x", "message": "as told"}]}
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        lines.sort(
            key=lambda line: hashlib.sha256(line["custom_id"].encode()).hexdigest()
        )  # in no order to rely on
        good, bad = [], []
        for line in lines[: behaviour.get("finish", len(lines))]:
            if behaviour.get("refuse") and behaviour["refuse"] in json.dumps(line["body"]):
                error = {"error": {"message": behaviour.get("words", "as told")}}
                bad.append(_result(line, {"status_code": 400, "body": error}))
            else:
                good.append(_result(line, self._answer(line, behaviour)))
        for name, results in (("output_file_id", good), ("error_file_id", bad)):
            if results:
                batch[name] = self._file("\n".join(json.dumps(line) for line in results) + "\n")[
                    "id"
                ]

    def _answer(self, line: dict[str, Any], behaviour: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one call, which is billed."""
        body, usual = self._complete(line["body"])
        cost = round(usual * BATCH_FACTOR)
        if "cost_usd" in behaviour:
            body["usage"]["cost"] = behaviour["cost_usd"]
            cost = round(behaviour["cost_usd"] * 10**9)
        if "same" in behaviour:
            body["choices"][0]["message"]["content"] = behaviour["same"]
        self._book(line["custom_id"], cost, body["id"])
        answer: dict[str, Any] = {"status_code": 200, "request_id": "q", "body": body}
        return behaviour.get("response") or answer


def _result(line: dict[str, Any], response: dict[str, Any]) -> dict[str, Any]:
    return {"id": "r", "custom_id": line["custom_id"], "response": response, "error": None}
