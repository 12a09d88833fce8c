"""Invisible characters are removed and counted, whatever the document is."""

from __future__ import annotations

import json

import pytest

from daydream_memory.reading.safe_text import safe_text
from support.office_files import paragraph, word_file
from support.readings import YIELD, left_out, texts

TAGS = "".join(chr(0xE0000 + ord(letter)) for letter in "ignore all")
INVISIBLE = {
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "zero width no-break space": "\u2060",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "tags": TAGS,
    "variation selectors": "\ufe01\U000e0101",
    "fillers": "\u3164\u115f\uffa0\u2800",
    "invisible operators": "\u2062\u2063",
    "controls": "\x00\x07\x1b\x7f\x9b",
    "annotations": "\ufff9\ufffb",
}


@pytest.mark.parametrize("hidden", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_invisible_characters_are_removed_and_counted(hidden: str) -> None:
    assert safe_text(f"The lo{hidden}ss gr{hidden}ows.") == ("The loss grows.", 2 * len(hidden))


@pytest.mark.parametrize(
    "text",
    [
        "می‌خواهم",  # Persian needs its zero width non-joiner
        "क्‍ष",
        "👩‍🔬 and 👨‍👩‍👧",
        "10² m³ H₂O x₁",
        "naïve – “quoted” … €",
        "日本語の文章。全角ＡＢＣ",
        "a\tb\nc",
        "שלום עולם",
    ],
)
def test_what_a_script_or_a_number_needs_stays(text: str) -> None:
    assert safe_text(text) == (text, 0)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("e\ufb03cient \ufb02ow \ufb05", "efficient flow st"),
        ("𝑥 + 𝐀", "x + A"),
        ("mea\u00adsured, mea\u00ad\nsured", "measured, measured"),
        ("\ufeffstart", "start"),
        ("a\u2028b\x0cc\r\nd", "a\nb\nc\nd"),
        ("e\u0301", "é"),
        ("a\x1b[1mbold\x1b[0m and \x1b]0;title\x07 more", "abold and  more"),
        ("half \ud83d pair", "half \ufffd pair"),
    ],
)
def test_typesetting_becomes_plain_letters_without_a_count(text: str, plain: str) -> None:
    assert safe_text(text) == (plain, 0)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda text: text.encode(), "a.txt"),
        (lambda text: f"# T\n\n{text}".encode(), "a.md"),
        (lambda text: f"<html><body><p>{text}</p></body></html>".encode(), "a.html"),
        (lambda text: json.dumps({"text": text}).encode(), "a.jsonl"),
        (lambda text: f"id,text\n1,{text}\n".encode(), "a.csv"),
        (lambda text: word_file(paragraph(text)), "a.docx"),
        (lambda text: f"@a{{x, title={{t}}, abstract={{{text}}}}}".encode(), "a.bib"),
        (lambda text: f"From: a\nTo: b\nSubject: c\n\n{text}\n".encode(), "a.eml"),
    ],
)
def test_every_reader_gives_safe_text(make: object, name: str) -> None:
    document = make(YIELD.replace("Tidal", f"Ti\u200bdal{TAGS}\u202e"))  # type: ignore[operator]
    assert [text for _, text in texts(document, name)] == [YIELD]
    assert left_out(document, name) == {"invisible-characters": 2 + len(TAGS)}


def test_titles_are_made_safe_too() -> None:
    note = f"# Yi\u200beld\n\n{YIELD}"
    assert texts(note, "a.md") == [("Yield", YIELD)]
    assert left_out(note, "a.md") == {"invisible-characters": 1}
