"""From bytes to passages: each kind of file is read, or refused with a reason."""

from __future__ import annotations

import json

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
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" * 20,
        b"\x7fELF\x02\x01\x01\x00" * 50,
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


@pytest.mark.parametrize(
    "text", ["plain", "Größe", "日本語のテキスト", "🐜 ants", "a\tb\x0cc\x1b[1m"]
)
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
    text = "Ants find food and lay a trail. " * 50
    reading = read_document(utf_16(text, encoding), "a.txt")
    assert reading.passages[0].text.lstrip("\ufeff") == text


def utf_16(text: str, encoding: str) -> bytes:
    if encoding == "utf-16":
        return text.encode("utf-16")
    order = encoding[:9]
    return "\ufeff".encode(order) + text.encode(order)


def test_a_few_broken_bytes_are_replaced_and_counted() -> None:
    data = ("Ants find food and lay a trail. " * 50).encode()
    broken = data[:100] + b"\xff" + data[100:700] + b"\xc3" + data[700:]
    reading = read_document(broken, "a.txt")
    assert reading.status == "read"
    assert "2 places" in reading.note
    assert reading.passages[0].text.replace("\ufffd", "") == data.decode()


def test_an_older_encoding_is_recognised_and_named() -> None:
    reading = read_document(GERMAN.encode("latin-1"), "a.txt")
    assert reading.passages[0].text == GERMAN
    assert "not UTF-8, read as" in reading.note


def test_western_european_text_in_latin_1_keeps_its_accents() -> None:
    assert read_document(FRENCH.encode("latin-1"), "a.txt").passages[0].text == FRENCH


# --- Markdown ---


def passages(text: str, source: str = "notes.md") -> dict[str, str]:
    return {
        passage.title: passage.text.strip()
        for passage in read_document(text.encode(), source).passages
    }


def test_each_heading_starts_a_passage_whose_title_is_its_path() -> None:
    texts = passages(
        "intro\n\n# Ants\nabout ants\n\n## Trails\nabout trails\n\n### Fresh\nfresh\n\n"
        "## Nests\nnests\n\n# Bees\nbees\n"
    )
    assert texts == {
        "": "intro",
        "Ants": "about ants",
        "Ants / Trails": "about trails",
        "Ants / Trails / Fresh": "fresh",
        "Ants / Nests": "nests",
        "Bees": "bees",
    }


def test_hashes_in_code_are_no_headings_and_underlined_ones_are() -> None:
    texts = passages("# Code\n```\n# comment\n```\nafter\n\nUnderlined\n----------\nbelow\n")
    assert set(texts) == {"", "Code", "Code / Underlined"}
    assert "# comment" in texts["Code"]
    assert texts["Code / Underlined"] == "below"


def test_a_text_without_headings_is_one_passage() -> None:
    assert passages("just\ntext") == {"": "just\ntext"}


@pytest.mark.parametrize("name", ["a.md", "A.MD", "a.markdown", "a.mdown"])
def test_markdown_is_recognised_by_its_file_extension(name: str) -> None:
    assert "H" in passages("# H\ntext", name)
    assert "H" not in passages("# H\ntext", "a.txt")


def test_windows_line_endings_make_no_difference() -> None:
    assert passages("# A\r\none\r\n\r\n# B\r\ntwo\r\n") == {"": "", "A": "one", "B": "two"}


@pytest.mark.parametrize("odd", ["\u2028", "\x0c", "\x0b", "\x85", "\x1c"])
def test_odd_separators_lose_no_text(odd: str) -> None:
    texts = passages(f"# A\nfoo{odd}bar\nbaz\n# B\nqux\n")
    assert "baz" in texts["A"]
    assert texts["B"] == "qux"


# --- JSON Lines ---


def test_each_record_with_a_text_is_a_passage_and_bad_lines_are_counted() -> None:
    lines = [
        '{"title": "Ants", "text": "one"}',
        "not json",
        '{"content": "two"}',
        "",
        '"three"',
        '{"text": ""}',
        '{"number": 4}',
        "[5]",
        "null",
    ]
    reading = read_document("\n".join(lines).encode(), "facts.jsonl")
    assert [(passage.title, passage.text) for passage in reading.passages] == [
        ("Ants", "one"),
        ("", "two"),
        ("", "three"),
    ]
    assert "5 lines" in reading.note


def test_a_file_without_any_usable_record_is_refused_with_the_names_of_the_fields() -> None:
    reading = read_document(b'{"number": 4}\n', "facts.ndjson")
    assert reading.status == "refused"
    assert "text" in reading.note
    assert "abstract" in reading.note


@pytest.mark.parametrize("odd", ["\u2028", "\u2029", "\x85"])
def test_a_record_with_an_odd_separator_in_its_text_is_read(odd: str) -> None:
    text = f"one{odd}two"
    reading = read_document(json.dumps({"text": text}, ensure_ascii=False).encode(), "facts.jsonl")
    assert [passage.text for passage in reading.passages] == [text]
