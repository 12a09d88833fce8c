"""Bytes to text: tell text from a binary file, and find its encoding."""

from __future__ import annotations

import codecs
import re

from chardet import detect

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
WESTERN = "cp1252"


MARKUP_BYTES = 4_096
MARKUP = re.compile(rb"<(?:html|head|meta|\?xml|!doctype|body)\b", re.IGNORECASE)
DECLARED = re.compile(
    rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w.:-]+)|<\?xml[^>]+encoding\s*=\s*[\"']([\w.:-]+)",
    re.IGNORECASE,
)
# what browsers read where these are declared
WIDER = {
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "us-ascii": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-8859-9": "cp1254",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
}
# Encodings of seven bits, which change the script by a sequence of signs
SEVEN_BIT = ("iso-2022-jp", "iso-2022-kr", "hz-gb")
JAPANESE_SHIFT = re.compile(rb"\x1b\$[@B].{2,4000}?\x1b\([BJ]", re.DOTALL)
UTF_16_ZEROS_MIN, UTF_16_ZEROS_MAX = 0.3, 0.02


def looks_binary(data: bytes) -> bool:
    """Return whether the data has control characters that no text has.

    A byte order mark of UTF-16 or UTF-32 makes it text, and so do zeros as UTF-16 has them.
    """
    head = data[:SNIFF_BYTES]
    if head.startswith(tuple(mark for mark, _ in BYTE_ORDER_MARKS)) or _utf_16_order(head):
        return False
    controls = len(head) - len(head.translate(None, CONTROL_BYTES))
    return b"\x00" in head or controls > max(CONTROL_BYTES_MAX, len(head) * CONTROL_SHARE_MAX)


def _utf_16_order(data: bytes) -> str:
    """Return the encoding of UTF-16 without a byte order mark, "" for anything else."""
    even, odd = data[0::2], data[1::2]
    if not odd or len(data) < 16:
        return ""
    even_share, odd_share = even.count(0) / len(even), odd.count(0) / len(odd)
    for encoding, zeros, others, letters in (
        ("utf-16-le", odd_share, even_share, even),
        ("utf-16-be", even_share, odd_share, odd),
    ):
        controls = len(letters) - len(letters.translate(None, CONTROL_BYTES))
        if zeros >= UTF_16_ZEROS_MIN and others <= UTF_16_ZEROS_MAX and not controls:
            return encoding
    return ""


def decode_text(data: bytes) -> tuple[str, str]:
    """Return the text, and a note on its encoding. Markup is read as it says, if it is so."""
    return decode_markup(data) if MARKUP.search(data[:MARKUP_BYTES]) else decode(data)


def decode_markup(data: bytes) -> tuple[str, str]:
    """Return the text of a page, in the encoding that it declares unless it is not in that."""
    declared = DECLARED.search(data[:MARKUP_BYTES])
    name = (declared[1] or declared[2] or b"").decode("ascii").lower() if declared else ""
    if name.startswith(SEVEN_BIT) and b"\x1b" in data:  # it is valid UTF-8 too
        return data.decode(name, errors="replace"), f"read as {name}"
    if (
        not name
        or name.startswith("utf")
        or data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"))
    ):
        return decode(data)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    else:
        return decode(data)  # it is UTF-8, whatever it says
    try:
        encoding = codecs.lookup(WIDER.get(name, name)).name
        return data.decode(encoding, errors="replace"), f"read as {name}"
    except LookupError:
        return decode(data)


def decode(data: bytes) -> tuple[str, str]:
    """Return the text, and a note on how it was decoded unless that was plain UTF-8."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), f"read as {encoding}"
    if order := _utf_16_order(data[:SNIFF_BYTES]):
        return data.decode(order, errors="replace"), f"read as {order}"
    if JAPANESE_SHIFT.search(data, 0, SNIFF_BYTES):
        return data.decode("iso-2022-jp", errors="replace"), "read as iso-2022-jp"
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
    """Guess the encoding, also of short texts. It is the Western code page if nothing fits."""
    guess = detect(data)["encoding"]
    try:
        return codecs.lookup(guess).name if guess else WESTERN
    except LookupError:
        return WESTERN
