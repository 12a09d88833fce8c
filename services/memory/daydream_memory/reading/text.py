"""Bytes to text: tell text from a binary file, and find its encoding."""

from __future__ import annotations

from charset_normalizer import from_bytes

CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13, 27}) + b"\x7f"
CONTROL_BYTES_MAX, CONTROL_SHARE_MAX = 8, 1 / 200
SNIFF_BYTES = 65_536
GUESS_BYTES = 16 * SNIFF_BYTES
BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
REPLACEMENT = "\ufffd"
BROKEN_SHARE_MAX = 1 / 200
WESTERN, WESTERN_CHAOS_MARGIN = "cp1252", 0.02


def looks_binary(data: bytes) -> bool:
    """Return whether the data has control characters that no text has.

    A byte order mark of UTF-16 or UTF-32 makes it text.
    """
    head = data[:SNIFF_BYTES]
    if head.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)):
        return False
    controls = len(head) - len(head.translate(None, CONTROL_BYTES))
    return b"\x00" in head or controls > max(CONTROL_BYTES_MAX, len(head) * CONTROL_SHARE_MAX)


def decode(data: bytes) -> tuple[str, str]:
    """Return the text, and a note on how it was decoded unless that was plain UTF-8."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), f"read as {encoding}"
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return _decode_other(data)


def _decode_other(data: bytes) -> tuple[str, str]:
    text = data.decode("utf-8", errors="replace")
    broken = text.count(REPLACEMENT)
    if broken <= len(text) * BROKEN_SHARE_MAX:  # UTF-8 with a few broken bytes
        places = "1 place that is" if broken == 1 else f"{broken} places that are"
        return text, f"replaced {places} not valid UTF-8"
    encoding = _guess_encoding(data[:GUESS_BYTES])
    return data.decode(encoding, errors="replace"), f"not UTF-8, read as {encoding}"


def _guess_encoding(data: bytes) -> str:
    """Guess the encoding. The Western code page wins where it is as plausible as the best guess.

    The Latin code pages are hard to tell apart, and the Western one is the most frequent.
    """
    guesses = from_bytes(data)
    best = guesses.best()
    if best is None:
        return WESTERN
    western = any(
        guess.encoding == WESTERN and guess.chaos <= best.chaos + WESTERN_CHAOS_MARGIN
        for guess in guesses
    )
    return WESTERN if western else best.encoding
