"""Bring a completion into OpenAI's form, and read what it says.

The content becomes one string. The reasoning stays beside it. It is taken as the answer only where
the content is empty and the answer ended by itself: the thoughts of a cut answer are no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from daydream_budget.gateway.providers.reply import TextSource, shorten

FINISHES = {  # as other servers call what OpenAI calls length, stop and content_filter
    "max_tokens": "length",
    "model_length": "length",
    "max_output_tokens": "length",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "completed": "stop",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "content-filter": "content_filter",
}
THOUGHT_FIELDS = ("reasoning_content", "reasoning")
CHOICES_MAX = 128


class Chunks(NamedTuple):
    """The text and the thought in a list of content chunks."""

    text: str
    thought: str


class AnswerParts(NamedTuple):
    """The parts of the first choice of a completion."""

    finish: str
    text: str
    text_source: TextSource
    thought: str
    thought_source: str
    has_tool_calls: bool
    refusal: str
    failure: Mapping[str, Any]  # an error inside the choice


def is_completion(body: Mapping[str, Any]) -> bool:
    """Return True if the body has choices with messages."""
    choices = body.get("choices")
    return (
        isinstance(choices, list)
        and 0 < len(choices) <= CHOICES_MAX
        and all(
            isinstance(choice, Mapping) and isinstance(choice.get("message"), Mapping)
            for choice in choices
        )
    )


def read_completion(body: Mapping[str, Any]) -> tuple[dict[str, Any], AnswerParts]:
    """Return the completion in OpenAI's form, and the parts of its first choice."""
    read = [_read_choice(choice, at) for at, choice in enumerate(body["choices"])]
    form = {"id": "", "object": "chat.completion", "created": 0, "model": "", **body}
    return form | {"choices": [choice for choice, _ in read]}, read[0][1]


def read_chunks(content: list[Any]) -> Chunks:
    """Join the chunks of text and those of thought, as Mistral's reasoning models send them."""
    texts: list[str] = []
    thoughts: list[str] = []
    for chunk in content:
        if isinstance(chunk, str):
            texts.append(chunk)
        elif isinstance(chunk, Mapping):
            nested = chunk.get("thinking") or chunk.get("reasoning")
            if isinstance(nested, list):
                thoughts.append(read_chunks(nested).text)
            elif isinstance(nested, str):
                thoughts.append(nested)
            elif isinstance(chunk.get("text"), str):
                texts.append(chunk["text"])
    return Chunks("".join(texts), "".join(thoughts))


def normal_finish(reason: object) -> str:
    """Return a finish reason by OpenAI's name."""
    text = reason.lower()[:64] if isinstance(reason, str) else ""
    return FINISHES.get(text, text)


def _read_choice(choice: Mapping[str, Any], at: int) -> tuple[dict[str, Any], AnswerParts]:
    message = dict(choice["message"])
    finish = normal_finish(choice.get("finish_reason"))
    content, source = _content(message)
    thought, thought_source = _thought(message)
    has_tool_calls = bool(message.get("tool_calls"))
    if not content.strip() and thought and finish == "stop" and not has_tool_calls:
        content, source = thought, "reasoning"
    message |= {"role": "assistant", "content": content}
    refusal = message.get("refusal")
    failure = choice.get("error")
    parts = AnswerParts(
        finish,
        content,
        source,
        thought,
        thought_source,
        has_tool_calls,
        shorten(refusal) if isinstance(refusal, str) else "",
        failure if isinstance(failure, Mapping) else {},
    )
    return {"index": at, **choice, "finish_reason": finish or None, "message": message}, parts


def _content(message: dict[str, Any]) -> tuple[str, TextSource]:
    """Return the text and where it was. Thought in chunks moves to `reasoning_content`."""
    content = message.get("content")
    if isinstance(content, str):
        return content, "content" if content else ""
    if not isinstance(content, list):
        return "", ""
    text, thought = read_chunks(content)
    if thought and not message.get("reasoning_content"):
        message["reasoning_content"] = thought
    return text, "chunks" if text else ""


def _thought(message: Mapping[str, Any]) -> tuple[str, str]:
    for name in THOUGHT_FIELDS:
        if isinstance(message.get(name), str) and message[name]:
            return message[name], name
    return "", ""
