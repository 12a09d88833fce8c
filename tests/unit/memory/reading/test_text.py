"""From bytes to text: encodings are recognised, and files that are no text are refused."""

from __future__ import annotations

import pytest

from daydream_memory.reading import read_document
from daydream_memory.reading.text import decode, looks_binary

GERMAN = (
    "Die Größe der Bäume wächst im Frühling über alle Maße hinaus, "
    "und der Käfer hört schöne Musik. " * 5
)
FRENCH = (
    "L'été dernier, la forêt était très sèche et le garçon "
    "a mangé des pêches à côté de la fenêtre. " * 5
)


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n ", b"\n" * 1000])
def test_a_blank_file_is_skipped_as_empty(data: bytes) -> None:
    reading = read_document(data, "a.txt")
    assert (reading.status, reading.note, reading.passages) == ("skipped", "empty", ())


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 20,
        b"\x00",
    ],
)
def test_a_binary_file_is_refused_and_the_reason_says_what_can_be_read(data: bytes) -> None:
    reading = read_document(data, "a.txt")
    assert reading.status == "refused"
    assert "binary" in reading.note
    assert "Markdown" in reading.note


def test_a_stray_control_character_in_a_long_text_does_not_make_it_binary() -> None:
    assert not looks_binary(b"word " * 1000 + b"\x08" + b"word " * 1000)


@pytest.mark.parametrize("text", ["plain", "Größe", "日本語のテキスト", "🐜 ants", "a\tb\nc"])
def test_utf_8_is_read_unchanged_without_a_note(text: str) -> None:
    reading = read_document(text.encode(), "a.txt")
    assert (reading.status, reading.note) == ("read", "")
    assert reading.passages[0].text == text


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    assert decode(b"\xef\xbb\xbfants") == ("ants", "")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le-with-mark", "utf-16-be-with-mark"])
def test_a_short_text_in_utf_16_with_its_mark_is_read(encoding: str) -> None:
    text = "Ants find food, größer."
    reading = read_document(utf_16(text, encoding), "a.txt")
    assert reading.status == "read"
    assert reading.passages[0].text.lstrip("\ufeff") == text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le-with-mark", "utf-16-be-with-mark"])
def test_a_long_text_in_utf_16_with_its_mark_is_read(encoding: str) -> None:
    text = "Ants find food and lay a trail. " * 50 + "End."
    reading = read_document(utf_16(text, encoding), "a.txt")
    assert reading.passages[0].text.lstrip("\ufeff") == text


def utf_16(text: str, encoding: str) -> bytes:
    if encoding == "utf-16":
        return text.encode("utf-16")
    order = encoding[:9]
    return "\ufeff".encode(order) + text.encode(order)


def test_a_few_broken_bytes_are_replaced_and_counted() -> None:
    data = ("Ants find food and lay a trail. " * 50 + "End.").encode()
    broken = data[:100] + b"\xff" + data[100:700] + b"\xc3" + data[700:]
    reading = read_document(broken, "a.txt")
    assert reading.status == "read"
    assert "2 places" in reading.note
    assert reading.passages[0].text.replace("\ufffd", "") == data.decode()


def test_an_older_encoding_is_recognised_and_named() -> None:
    reading = read_document(GERMAN.encode("latin-1"), "a.txt")
    assert reading.passages[0].text == GERMAN.strip()
    assert "not UTF-8, read as" in reading.note


def test_western_european_text_in_latin_1_keeps_its_accents() -> None:
    assert read_document(FRENCH.encode("latin-1"), "a.txt").passages[0].text == FRENCH.strip()


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_read(order: str) -> None:
    text = "Ants find food and lay a trail, größer. " * 5 + "End."
    assert read_document(text.encode(order), "a.txt").passages[0].text == text
    assert not looks_binary(text.encode(order))
