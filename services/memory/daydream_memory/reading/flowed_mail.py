"""Mails whose paragraphs flow (RFC 3676): a line that ends with a space continues in the next."""

from __future__ import annotations

import re
from email.message import Message

QUOTED = re.compile(r"^>*")
SIGNATURE = "-- "


def is_flowed(part: Message) -> bool:
    """Return whether a part says that its lines flow."""
    return str(part.get_param("format", "")).lower() == "flowed"


def unflowed(text: str, part: Message) -> str:
    """Return the text with whole paragraphs as lines. `DelSp` says that the space is no text."""
    deletes_space = str(part.get_param("delsp", "")).lower() == "yes"
    done: list[str] = []
    depth, flows = 0, False
    for written in text.replace("\r\n", "\n").split("\n"):
        marks = QUOTED.match(written)
        own_depth = marks.end() if marks else 0
        line = written[own_depth:].removeprefix(" ")  # a space is put before ">", "From" and " "
        if flows and own_depth == depth and line != SIGNATURE:
            done[-1] += line
        else:
            done.append(">" * own_depth + (" " if own_depth else "") + line)
        depth = own_depth
        flows = line.endswith(" ") and line != SIGNATURE
        if flows and deletes_space:
            done[-1] = done[-1].removesuffix(" ")
    return "\n".join(done)
