"""Bytes to text: tell a text from a binary file, and find its encoding."""

from __future__ import annotations

from charset_normalizer import from_bytes

CONTROL_BYTES = bytes(set(range(32)) - {9, 10, 12, 13, 27}) + b"\x7f"
SNIFF_BYTES = 65_536
BYTE_ORDER_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
WESTERN = "cp1252"


def looks_binary(data: bytes) -> bool:
    """Control characters that no text has, unless a byte order mark says that it is UTF-16 or UTF-32."""
    head = data[:SNIFF_BYTES]
    if head.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)):
        return False
    controls = len(head) - len(head.translate(None, CONTROL_BYTES))
    return b"\x00" in head or controls > max(8, len(head) // 200)


def decode(data: bytes) -> tuple[str, str]:
    """The text, and what had to be done to get it."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), f"read as {encoding}"
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        pass
    text = data.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    if bad * 200 <= len(text):  # UTF-8 with a few broken bytes rather than another encoding
        return text, f"{bad} places that are not valid UTF-8 were replaced"
    guesses = from_bytes(data[: 16 * SNIFF_BYTES])
    best = guesses.best()
    # the Latin code pages are hard to tell apart; where the Western one is as plausible as the best guess, it is the likelier
    western = any(
        guess.encoding == WESTERN and best and guess.chaos <= best.chaos + 0.02 for guess in guesses
    )
    encoding = WESTERN if western or best is None else best.encoding
    return data.decode(encoding, errors="replace"), f"not UTF-8, read as {encoding}"
