"""Put the events of a streamed completion together into one completion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from daydream_budget.gateway.providers.completions import THOUGHT_FIELDS, read_chunks
from daydream_budget.gateway.providers.runaway import RunawayDetector

DATA = b"data:"
DONE = b"[DONE]"
SURROGATE = rb"\ud"  # how JSON escapes one half of a character outside of the basic plane
TOP_FIELDS = ("id", "created", "model", "service_tier", "system_fingerprint", "usage")
TOOL_CALLS_MAX = 128


def event_of(line: bytes) -> bytes | None:
    """Return the data of a line of a stream; None for comments, blank lines and other fields."""
    return line[len(DATA) :].strip() if line.startswith(DATA) else None


class StreamedCompletion:
    """A completion that arrives in pieces. It holds the first choice, which is all that is asked.

    `is_done` says that the provider ended it; `is_runaway` that its text repeats itself;
    `has_escapes` that it may have halves of characters, which belong together or are none.
    """

    def __init__(self) -> None:
        self.is_done = False
        self.is_runaway = False
        self.has_escapes = False
        self.error: Mapping[str, Any] | None = None
        self._top: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._finish: str | None = None
        self._logprobs: list[Any] = []
        self._tool_calls: dict[int, dict[str, Any]] = {}
        self._detectors: dict[str, RunawayDetector] = {}

    def add(self, data: bytes) -> Mapping[str, Any]:
        """Add the data of one event, and return it. What can't be read is left out."""
        if data == DONE:
            self.is_done = True
            return {}
        try:
            event = json.loads(data)
        except (ValueError, RecursionError):
            return {}
        if not isinstance(event, Mapping):
            return {}
        self.has_escapes = self.has_escapes or SURROGATE in data.lower()
        if event.get("error"):
            self.error = event
        self._top |= {name: event[name] for name in TOP_FIELDS if event.get(name) is not None}
        choices = event.get("choices")
        if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
            self._add_choice(choices[0])
        return event

    @property
    def is_complete(self) -> bool:
        """True if the model said why it ended, and its usage has come."""
        return self.has_finish and "usage" in self._top

    @property
    def has_failed(self) -> bool:
        """True if the provider has sent an error in place of the rest of the answer."""
        return self.error is not None and not self.has_finish

    @property
    def has_text(self) -> bool:
        """True if the model has written something, thought and calls of tools included."""
        return bool(self._texts or self._tool_calls)

    @property
    def has_finish(self) -> bool:
        """True if the model said why it ended."""
        return self._finish is not None

    def body(self) -> dict[str, Any]:
        """Return the completion so far in OpenAI's form."""
        message: dict[str, Any] = {"role": "assistant", "content": None}
        message |= {name: "".join(parts) for name, parts in self._texts.items()}
        if self._tool_calls:
            message["tool_calls"] = [call for _, call in sorted(self._tool_calls.items())]
        finish = "length" if self.is_runaway else self._finish
        choice: dict[str, Any] = {"index": 0, "finish_reason": finish, "message": message}
        if self._logprobs:
            choice["logprobs"] = {"content": self._logprobs}
        return {"object": "chat.completion", **self._top, "choices": [choice]}

    def _add_choice(self, choice: Mapping[str, Any]) -> None:
        if isinstance(choice.get("finish_reason"), str):
            self._finish = choice["finish_reason"]
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, Mapping):
            return
        content = delta.get("content")
        if isinstance(content, list):
            text, thought = read_chunks(content)
            delta = {**delta, "content": text, "reasoning_content": thought}
        for name in ("content", "refusal", *THOUGHT_FIELDS):
            if isinstance(delta.get(name), str) and delta[name]:
                self._add_text(name, delta[name])
        self._add_tool_calls(delta.get("tool_calls"))
        logprobs = choice.get("logprobs")
        if isinstance(logprobs, Mapping) and isinstance(logprobs.get("content"), list):
            self._logprobs += logprobs["content"]

    def _add_text(self, name: str, text: str) -> None:
        self._texts.setdefault(name, []).append(text)
        detector = self._detectors.setdefault(name, RunawayDetector())
        self.is_runaway = self.is_runaway or detector.feed(text)

    def _add_tool_calls(self, deltas: object) -> None:
        for delta in deltas if isinstance(deltas, list) else ():
            at = delta.get("index", 0) if isinstance(delta, Mapping) else None
            if not isinstance(at, int) or not 0 <= at < TOOL_CALLS_MAX:
                continue
            call = self._tool_calls.setdefault(at, {"type": "function", "function": {}})
            if isinstance(delta.get("id"), str):
                call["id"] = delta["id"]
            function = delta.get("function")
            for name, text in (function if isinstance(function, Mapping) else {}).items():
                if isinstance(text, str):
                    call["function"][name] = call["function"].get(name, "") + text
