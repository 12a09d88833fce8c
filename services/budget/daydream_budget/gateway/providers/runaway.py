"""Notice output that repeats itself until the maximum: white space, one line, one token.

Constrained decoding and small models fall into this (a brace, then white space for thousands of
tokens), and every token of it is billed.
"""

from __future__ import annotations

WHITE_SPACE_CHARS_MAX = 512
TAIL_CHARS = 2048
PERIOD_CHARS_MAX = 256  # so a repeated unit was seen at least eight times
MARK_CHARS = 48  # the end of the text that is looked for further up
CHECK_EVERY_CHARS = 256


class RunawayDetector:
    """Watches a text while it is written."""

    def __init__(self) -> None:
        self._tail = ""
        self._unchecked = 0

    def feed(self, text: str) -> bool:
        """Take more text. Return True if what came so far runs away."""
        self._tail = (self._tail + text)[-TAIL_CHARS:]
        self._unchecked += len(text)
        if self._unchecked < CHECK_EVERY_CHARS:
            return False
        self._unchecked = 0
        return is_runaway(self._tail)


def is_runaway(text: str) -> bool:
    """Return True if the end of a text is white space only, or one short unit again and again."""
    end = text[-WHITE_SPACE_CHARS_MAX:]
    if len(end) == WHITE_SPACE_CHARS_MAX and not end.strip():
        return True
    tail = text[-TAIL_CHARS:]
    if len(tail) < TAIL_CHARS:
        return False
    earlier = tail.rfind(tail[-MARK_CHARS:], 0, len(tail) - 1)
    period = len(tail) - MARK_CHARS - earlier
    return earlier >= 0 and period <= PERIOD_CHARS_MAX and tail[period:] == tail[:-period]
