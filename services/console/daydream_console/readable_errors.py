"""Make the stored error of a dead letter readable for people."""

from __future__ import annotations

import re

from daydream_console.diagnosis.model import counted

INVALID = re.compile(r"(?:\w+: )?(\d+) validation errors? for \S+ ")  # pydantic's, in one line
ADDRESS = r"(?: For(?: further(?: information(?: visit \S*)?)?)?| |$)"  # a long error is cut
NEXT_FIELD = re.compile(rf" \[type=\w+, .*?\]{ADDRESS} ?")


def readable(error: str) -> str:
    """Return an error without the parts that only programmers read.

    Of an invalid message that is the name of each wrong field, and what is wrong with it.
    """
    text = re.sub(r"\s+", " ", error).strip()
    header = INVALID.match(text)
    if header is None:
        return text
    parts = [part.split(" [")[0] for part in NEXT_FIELD.split(text[header.end() :]) if part]
    if parts and parts[0].startswith("Invalid JSON"):
        return f"{parts[0]}."
    fields = [": ".join(part.split(" ", 1)) for part in parts]
    return f"{counted(int(header[1]), 'invalid field')}: {'; '.join(fields)}"
