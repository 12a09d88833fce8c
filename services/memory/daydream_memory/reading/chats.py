"""Exported chats to passages: one for each message of a person or a model, in their order.

The shapes: a tree of messages (`mapping`), a list of them (`messages`, `chat_messages`,
`conversations`), and a list of messages alone, as team chats export a channel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from daydream_memory.reading.cell_markup import plain_words
from daydream_memory.reading.json_texts import text_of
from daydream_memory.reading.metadata import TITLE_FIELDS, field, metadata_of
from daydream_memory.reading.passages import DocumentMetadata, LeftOut, Passage, counted

MESSAGE_LISTS = ("messages", "chat_messages", "conversations", "conversation", "turns", "dialog")
SPEAKERS = ("role", "from", "sender", "author", "user", "speaker", "username", "user_id", "from_id")
BODIES = ("content", "text", "value", "message", "body", "parts")
UNREAD_ROLES = frozenset(("system", "tool", "function", "developer", "ipython", "environment"))
# as team chats mark them: <https://example.org|the report>, <@U012>, <#C012|channel>
LINK = re.compile(r"<(?:https?://|mailto:|#)[^<>|\s]+\|([^<>|]+)>")
MENTION = re.compile(r"<(?:[@!#][^<>\s]*|https?://[^<>\s]+)>")
ESCAPES = {"amp": "&", "lt": "<", "gt": ">"}  # all that team chats escape
ESCAPED = re.compile(r"&(amp|lt|gt);")
JOINED = re.compile(r"(?:channel|group)_|bot_(?:add|remove)")
MESSAGES_MAX = 1_000_000


@dataclass
class ChatReader:
    """Reads chats, and counts the messages without a text for a person."""

    unread: int = 0

    def passages(self, record: Mapping[str, object]) -> list[Passage]:
        """Return the messages of a chat. An empty list if the record is none."""
        title = field(record, TITLE_FIELDS)
        about = metadata_of({key: value for key, value in record.items() if key == "tags"})
        return [
            passage
            for message in _messages(record)
            if (passage := self._message(message, title, about)) is not None
        ]

    def _message(
        self, message: Mapping[str, object], title: str, about: DocumentMetadata
    ) -> Passage | None:
        body = next((text for name in BODIES if (text := text_of(message.get(name)).strip())), "")
        if _role(message) in UNREAD_ROLES or not body or message.get("type") == "service":
            self.unread += 1
            return None
        if JOINED.match(str(message.get("subtype", ""))):
            self.unread += 1
            return None
        return Passage(_plain(body), title, about)

    def left_out(self) -> list[LeftOut]:
        """Return a report of the messages without a text."""
        return counted(
            "messages",
            self.unread,
            "message of a system or tool, or without a text",
            "messages of systems and tools, or without a text",
        )


def _plain(body: str) -> str:
    """Return a message with the words of its links and without the ids of those it names."""
    words = MENTION.sub("", LINK.sub(r"\1", plain_words(body))) if "<" in body else body
    return ESCAPED.sub(lambda sign: ESCAPES[sign[1]], words) if "&" in words else words


def is_chat(record: Mapping[str, object]) -> bool:
    """Return whether a record is a chat with messages."""
    return next(_messages(record), None) is not None


def is_message_list(values: list[object]) -> bool:
    """Return whether all values are messages: each says who speaks, and has a text."""
    sample = [value for value in values[:20] if isinstance(value, Mapping)]
    return bool(sample) and all(map(_is_message, sample))


def _messages(record: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    mapping = record.get("mapping")
    if isinstance(mapping, Mapping):
        for node in mapping.values():
            message = node.get("message") if isinstance(node, Mapping) else None
            if isinstance(message, Mapping):
                yield message
        return
    for name in MESSAGE_LISTS:
        values = record.get(name)
        if isinstance(values, list) and any(map(_is_message, values[:20])):
            yield from (value for value in values[:MESSAGES_MAX] if isinstance(value, Mapping))
            return


def _is_message(value: object) -> bool:
    return (
        isinstance(value, Mapping)
        and any(name in value for name in SPEAKERS)
        and any(name in value for name in BODIES)
        and not any(name in value for name in TITLE_FIELDS)
    )


def _role(message: Mapping[str, object]) -> str:
    author = message.get("author")
    if isinstance(author, Mapping):
        return str(author.get("role", ""))
    return str(message.get("role") or message.get("from") or "").lower()
