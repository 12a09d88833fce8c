"""What becomes of a JSON schema where a server takes less than all of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

# Keywords that structured-output modes refuse. Without them the answer may be longer, not wrong.
OPTIONAL_KEYWORDS = (
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "pattern",
    "format",
    "default",
    "additionalProperties",
    "title",
    "$schema",
)
INSTRUCTION = (
    "Answer with one JSON object and nothing else: no preamble, no code fence. "
    "It must follow this JSON schema:\n"
)
INSTRUCTION_WITHOUT_SCHEMA = "Answer with one JSON object and nothing else."
# Around the schema in a prompt: the bound of a call's cost has to cover it.
INSTRUCTION_BYTES_MAX = len(INSTRUCTION) + 2


def schema_of(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the schema that a request asks for, if it asks for one."""
    wanted = body.get("response_format")
    if not isinstance(wanted, Mapping) or wanted.get("type") != "json_schema":
        return None
    schema = (wanted.get("json_schema") or {}).get("schema")
    return schema if isinstance(schema, Mapping) else None


def without_keywords(schema: Any, refused: Collection[str]) -> Any:
    """Return a schema without these keywords. Properties may have any name, theirs too."""
    if isinstance(schema, list):
        return [without_keywords(part, refused) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    return {
        name: (
            {key: without_keywords(part, refused) for key, part in value.items()}
            if name in ("properties", "$defs") and isinstance(value, Mapping)
            else without_keywords(value, refused)
        )
        for name, value in schema.items()
        if name not in refused
    }


def keywords_in(schema: Any) -> frozenset[str]:
    """Return the optional keywords that a schema uses."""
    return frozenset(_keywords(schema))


def with_instruction(messages: list[Any], schema: Mapping[str, Any] | None) -> list[Any]:
    """Return the messages with the schema in words at the end of the last one of the user."""
    text = INSTRUCTION_WITHOUT_SCHEMA
    if schema is not None:
        text = INSTRUCTION + json.dumps(schema, ensure_ascii=False, separators=(",", ":"))
    for at in range(len(messages) - 1, -1, -1):
        message = messages[at]
        if isinstance(message, Mapping) and message.get("role") == "user":
            added = {**message, "content": _appended(message.get("content"), text)}
            return [*messages[:at], added, *messages[at + 1 :]]
    return [*messages, {"role": "user", "content": text}]


def _appended(content: Any, text: str) -> Any:
    if isinstance(content, list):
        return [*content, {"type": "text", "text": text}]
    return f"{content or ''}\n\n{text}".lstrip()


def _keywords(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for part in schema:
            yield from _keywords(part)
    elif isinstance(schema, Mapping):
        for name, value in schema.items():
            if name in ("properties", "$defs") and isinstance(value, Mapping):
                yield from _keywords(list(value.values()))
                continue
            if name in OPTIONAL_KEYWORDS:
                yield name
            yield from _keywords(value)
