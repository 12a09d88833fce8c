"""How the fake provider answers: one function per behaviour, the first word of the path picks it.

Right answers follow the JSON schema that is asked for, and depend on the prompt alone. Each answer
says what it bills, at $0.15 and $0.60 per million tokens. Refusals bill nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from support.endpoint import INPUT_NANOUSD, OUTPUT_NANOUSD, answer_for

BYTES_PER_TOKEN = 4
THOUGHT_TOKENS = 1100
LIMIT_WITHOUT_ONE = 4096


@dataclass(frozen=True)
class FakeReply:
    """What is sent, and billed. Bytes go out as they are. `how` says how the bytes go out."""

    status: int
    body: Any
    billed_nanousd: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    how: Literal["whole", "drip", "late-headers", "drop"] = "whole"


@dataclass(frozen=True)
class FakeCall:
    """A request for a completion. `number` counts the calls of its behaviour, from 1."""

    request: Mapping[str, Any]
    number: int
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def limit(self) -> int:
        """The maximum of tokens that it asks for."""
        asked = self.request.get("max_completion_tokens") or self.request.get("max_tokens")
        return int(asked or LIMIT_WITHOUT_ONE)

    @property
    def format(self) -> str:
        return str((self.request.get("response_format") or {}).get("type", ""))

    @property
    def text(self) -> str:
        """The right answer: by the schema in the request, or in the words of its prompt."""
        schema = (self.request.get("response_format") or {}).get("json_schema", {}).get("schema")
        schema = schema or schema_in(self.request["messages"])
        if not schema:
            return "The sky glows in orange, because dust scatters the blue light away."
        if _KNOWN & schema.get("properties", {}).keys():
            form = {"type": "json_schema", "json_schema": {"schema": schema}}
            return answer_for({**self.request, "response_format": form})
        return json.dumps(filled(schema))


_KNOWN = {"better", "hypotheses", "verdict", "novelty", "hypothesis"}
Behaviour = Callable[[FakeCall], FakeReply]
BEHAVIOURS: dict[str, Behaviour] = {}
# What 200s look like when they are broken; each is billed like a right answer.
MALFORMED_SHAPES = (
    "prose",
    "html",
    "cut-json",
    "json-list",
    "no-choices",
    "null-content",
    "thought-only",
    "content-chunks",
    "message-string",
    "error-without-code",
    "refusal",
    "filtered-answer",
    "cut",
    "no-usage",
    "drip",
)


def behaviour(name: str) -> Callable[[Behaviour], Behaviour]:
    """Give a behaviour the name by which the path picks it."""

    def named(function: Behaviour) -> Behaviour:
        BEHAVIOURS[name] = function
        return function

    return named


def schema_in(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the JSON schema that a prompt quotes, or nothing."""
    for message in reversed(messages):
        text = message["content"] if isinstance(message["content"], str) else ""
        for start in re.finditer(r'\{\s*"type"', text):
            try:
                schema = json.JSONDecoder().raw_decode(text, start.start())[0]
            except ValueError:
                continue
            if "properties" in schema:
                return dict(schema)
    return {}


def filled(schema: Mapping[str, Any]) -> Any:
    """Return a value that follows a JSON schema."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type", "object"):
        case "object":
            return {name: filled(part) for name, part in schema.get("properties", {}).items()}
        case "array":
            return [filled(schema.get("items", {}))] * max(1, schema.get("minItems", 1))
        case "integer" | "number":
            return schema.get("maximum", 7)
        case "boolean":
            return False
    return "orange"[: schema.get("maxLength", 100)]


def tokens(text: str) -> int:
    return len(text.encode()) // BYTES_PER_TOKEN + 1


def prompt_tokens(request: Mapping[str, Any]) -> int:
    return sum(tokens(json.dumps(message["content"])) for message in request["messages"]) + 8


def completion(
    call: FakeCall,
    content: Any,
    *,
    finish: str = "stop",
    spent: int | None = None,
    message: Mapping[str, Any] | None = None,
    **usage: Any,
) -> FakeReply:
    """An answer. `spent`: its tokens, where they are not those of its text."""
    text = content if isinstance(content, str) else json.dumps(content)
    asked, count = prompt_tokens(call.request), tokens(text) if spent is None else spent
    body = {
        "id": f"f-{call.number}",
        "object": "chat.completion",
        "created": 0,
        "model": call.request["model"],
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, **(message or {})},
            }
        ],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": count,
            "total_tokens": asked + count,
            **usage,
        },
    }
    return FakeReply(200, body, asked * INPUT_NANOUSD + count * OUTPUT_NANOUSD)


def right(call: FakeCall) -> FakeReply:
    """The right answer, cut to the maximum that was asked for."""
    if tokens(call.text) > call.limit:
        cut_text = call.text[: call.limit * BYTES_PER_TOKEN]
        return completion(call, cut_text, finish="length", spent=call.limit)
    return completion(call, call.text)


def error(
    status: int, message: str, *, param: str | None = None, code: Any = None, **headers: str
) -> FakeReply:
    """An error as OpenAI words it."""
    body = {
        "error": {
            "message": message,
            "type": "invalid_request_error" if status < 429 else "server_error",
            "param": param,
            "code": code,
        }
    }
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return FakeReply(status, body, headers=named)


def broken(call: FakeCall, body: Any, **headers: str) -> FakeReply:
    """A 200 with another body, billed like the right answer."""
    return replace(right(call), body=body, headers=headers)


BEHAVIOURS["plain"] = right


@behaviour("prose")
def prose(call: FakeCall) -> FakeReply:
    return completion(call, "I would rather say it in words: both of them grow slowly.")


@behaviour("html")
def html(call: FakeCall) -> FakeReply:
    return broken(call, b"<!doctype html><html><body>Bad gateway page</body></html>")


@behaviour("cut-json")
def cut_json(call: FakeCall) -> FakeReply:
    return broken(call, b'{"id": "x", "choices": [')


@behaviour("json-list")
def json_list(call: FakeCall) -> FakeReply:
    return broken(call, b"[1, 2, 3]")


@behaviour("no-choices")
def no_choices(call: FakeCall) -> FakeReply:
    reply = right(call)
    return replace(reply, body=reply.body | {"choices": []})


@behaviour("null-content")
def null_content(call: FakeCall) -> FakeReply:
    return completion(call, None)


@behaviour("thought-only")
def thought_only(call: FakeCall) -> FakeReply:
    return completion(call, None, message={"reasoning_content": call.text}, spent=tokens(call.text))


@behaviour("content-chunks")
def content_chunks(call: FakeCall) -> FakeReply:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Compare them."}]}
    return completion(call, [thinking, {"type": "text", "text": call.text}])


@behaviour("message-string")
def message_string(call: FakeCall) -> FakeReply:
    reply = right(call)
    choice = {"index": 0, "finish_reason": "stop", "message": call.text}
    return replace(reply, body=reply.body | {"choices": [choice]})


@behaviour("error-without-code")
def error_without_code(call: FakeCall) -> FakeReply:
    return broken(call, {"error": {"message": "Something went wrong upstream"}})


@behaviour("refusal")
def refusal(call: FakeCall) -> FakeReply:
    return completion(call, None, message={"refusal": "I can't help with that."}, spent=9)


@behaviour("filtered-answer")
def filtered_answer(call: FakeCall) -> FakeReply:
    return completion(call, "", finish="content_filter")


@behaviour("cut")
def cut(call: FakeCall) -> FakeReply:
    return completion(call, call.text[:20], finish="length", spent=call.limit)


@behaviour("no-usage")
def no_usage(call: FakeCall) -> FakeReply:
    reply = right(call)
    return replace(
        reply, body={name: value for name, value in reply.body.items() if name != "usage"}
    )


@behaviour("drip")
def drip(call: FakeCall) -> FakeReply:
    """One byte a second."""
    return replace(right(call), how="drip")


@behaviour("late-headers")
def late_headers(call: FakeCall) -> FakeReply:
    """The status line comes after an hour."""
    return replace(right(call), how="late-headers")


@behaviour("drop")
def drop(call: FakeCall) -> FakeReply:
    """Half of the body, then the connection is closed."""
    return replace(right(call), how="drop")
