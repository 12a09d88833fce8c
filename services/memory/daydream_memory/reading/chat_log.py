"""Chats that a phone exports as text to passages: one for each message, without who wrote it when.

12/03/2026, 10:15 - Ana: the message
[12.03.26, 10:15:33] Ana: the message
and its second line
"""

from __future__ import annotations

import re

from daydream_memory.reading.passages import Passage, RawDocument, Reading, counted
from daydream_memory.reading.safe_text import INVISIBLE

MESSAGE = re.compile(
    r"^\[?(\d{1,4}[./-]\d{1,2}[./-]\d{2,4}),? +\d{1,2}[:.]\d{2}(?:[:.]\d{2})?"
    r"(?:[ \u202f\xa0]?[AaPp]\.?[Mm]\.?)?\]?(?: ?[-–] | )([^:\n]{1,60}): (.*)$"
)
# What the program itself says: without a name before it
EVENT = re.compile(r"^\[?\d{1,4}[./-]\d{1,2}[./-]\d{2,4},? +\d{1,2}[:.]\d{2}")
WITHOUT_TEXT = re.compile(
    r"^\W*(?:<[^<>]{3,60}>|(?:image|video|audio|sticker|gif|document|contact card|media|bild|foto"
    r"|imagen|imagem|immagine)\w* (?:omitted|weggelassen|omitid[oa]|omess[oa]|absente?)"
    r"|this message was deleted|you deleted this message|null)\W*$",
    re.IGNORECASE,
)


def is_chat_log(head: str) -> bool:
    """Return whether a text begins with messages that have a date, a time and a name."""
    lines = [INVISIBLE.sub("", line) for line in head.split("\n", 60)[:60] if line.strip()]
    messages = sum(bool(MESSAGE.match(line)) for line in lines)
    return messages >= 2 and bool(EVENT.match(lines[0]))


def read_chat_log(document: RawDocument) -> Reading:
    """Return the messages with a text. Those about the chat itself are counted."""
    messages: list[list[str]] = []
    unread = 0
    is_event = False
    for line in document.text.lstrip("\ufeff").replace("\r\n", "\n").split("\n"):
        shown = INVISIBLE.sub("", line)
        message = MESSAGE.match(shown)
        if message:
            is_event = bool(WITHOUT_TEXT.match(message[3]))
            unread += is_event
            if not is_event:
                messages.append([message[3]])
        elif EVENT.match(shown):
            is_event = True
            unread += 1
        elif messages and not is_event and line.strip():
            messages[-1].append(line)
    left_out = counted(
        "messages",
        unread,
        "message about the chat, or without a text",
        "messages about the chat, or without a text",
    )
    return Reading(tuple(Passage("\n".join(lines)) for lines in messages), tuple(left_out))
