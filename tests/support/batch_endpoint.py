"""The batch API of the priced endpoint: files and batches, at half the price. Batches that are created twice under one name of ours are counted.

`misbehave(batch={…})`: `looks` before it ends, `status` it ends with, `finish` only so many calls, `refuse` calls whose text has this word,
`drop_create`: the answer to a creation is lost on its way.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

FACTOR = 0.5


class Batches:
    """What was handed in. `complete` answers one call: (body of the answer, its usual cost)."""

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
        """A multipart form with the file in it."""
        found = re.search(rb'name="file".*?\r\n\r\n(.*?)\r\n--', data, re.DOTALL)
        assert found, data[:300]
        return self._file(found[1].decode())

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

    def create(self, request: dict[str, Any], how: dict[str, Any]) -> dict[str, Any]:
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
            "looks": how.get("looks", 1),
        }
        return self.batches[name]

    def look(self, name: str, how: dict[str, Any]) -> dict[str, Any] | None:
        batch = self.batches.get(name)
        if batch is not None and batch["status"] == "in_progress":
            batch["looks"] -= 1
            if batch["looks"] < 0:
                self._end(batch, how)
        return batch

    def _end(self, batch: dict[str, Any], how: dict[str, Any]) -> None:
        batch["status"] = how.get("status", "completed")
        if batch["status"] == "failed":
            batch["errors"] = {"object": "list", "data": [{"code": "x", "message": "as told"}]}
            return
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]].splitlines()]
        lines.sort(
            key=lambda line: hashlib.sha256(line["custom_id"].encode()).hexdigest()
        )  # in no order that anybody relies on
        good, bad = [], []
        for line in lines[: how.get("finish", len(lines))]:
            if how.get("refuse") and how["refuse"] in json.dumps(line["body"]):
                bad.append(
                    {
                        "id": "r",
                        "custom_id": line["custom_id"],
                        "response": {"status_code": 400, "body": {"error": {"message": "as told"}}},
                    }
                )
                continue
            body, usual = self._complete(line["body"])
            cost = round(usual * FACTOR)
            self._book(line["custom_id"], cost, body["id"])
            good.append(
                {
                    "id": "r",
                    "custom_id": line["custom_id"],
                    "response": {"status_code": 200, "request_id": "q", "body": body},
                    "error": None,
                }
            )
        for name, found in (("output_file_id", good), ("error_file_id", bad)):
            if found:
                batch[name] = self._file("\n".join(json.dumps(line) for line in found) + "\n")["id"]
