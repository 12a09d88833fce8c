"""Files as other programs write them: encodings, layouts and exports beside the usual ones."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence

import pytest

from daydream_memory.chunking import texts_of
from support.readings import COATING, YIELD, read

MANUAL = f"""'\\" t
.\\" Secret words of the copyright.
.TH FOUL 8 "2023-01-08" "2.11" "Manual utils"
.SH NAME
foul \\- report \\fIfouling\\fR
.SH "LOSS OF YIELD"
.BR Turbines (7)
lose a tenth of their yield
.I within
two summers to mussels on the blades.
.PP
{COATING}
.TS
l l.
Secret@words
.TE
.nf
foul \\-\\-report
.fi
"""


def _text(document: str | bytes, name: str) -> str:
    return " ".join(passage.text for passage in read(document, name).passages)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("mac_roman", "Le taux a baissé très vite après l’été, car les moules étaient déjà là."),
        ("koi8-r", "Медь не даёт мидиям расти на лопастях, но вредит личинкам устриц у берега."),
        ("cp1251", "Медь не даёт мидиям расти на лопастях, но вредит личинкам устриц у берега."),
        (
            "shift_jis",
            "銅は貝を羽根から遠ざけるが、近くの牡蠣の幼生を害する。別の塗料が求められている。",
        ),
        ("gbk", "铜能使贻贝远离叶片，但也会伤害附近的牡蛎幼体。因此需要另一种涂料来保护海洋生物。"),
        (
            "big5",
            "銅能使貽貝遠離葉片，但也會傷害附近的牡蠣幼體。因此需要另一種塗料來保護海洋生物。",
        ),
        (
            "euc-kr",
            "구리는 홍합이 날개에 붙는 것을 막지만 굴의 유생에 해를 준다. 그래서 도료가 필요하다.",
        ),
    ],
)
def test_a_text_in_an_older_encoding_is_read(encoding: str, text: str) -> None:
    assert _text(text.encode(encoding), "notes.txt") == text


LOGSEQ = f"- # Topic\n\t- {YIELD}\n\t  id:: 64a1\n\t- TODO {COATING}\n\t  collapsed:: true\n"
NESTED_CALLOUT = f"> [!warning]- Title\n> {YIELD}\n> > [!tip] Inner\n> > {COATING}\n"
OLD_NOTEBOOK = json.dumps(
    {
        "worksheets": [{"cells": [{"cell_type": "markdown", "source": [YIELD]}]}],
        "nbformat": 3,
        "metadata": {},
    }
)
GEMINI = "\n".join(
    json.dumps({"contents": [{"role": "model", "parts": [{"text": text}]}]})
    for text in (YIELD, COATING)
)
CLAUDE = json.dumps(
    [
        {
            "name": "T",
            "chat_messages": [
                {"sender": "human", "text": "Why?"},
                {"sender": "assistant", "content": [{"type": "text", "text": YIELD}]},
            ],
        }
    ]
)
ATOM = (
    '<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>F</title><entry>'
    f'<title>T</title><content type="html">&lt;p&gt;{YIELD}&lt;/p&gt;</content></entry></feed>'
)
OFF_PAGE = (
    f"<html><head><style>#y {{ visibility : hidden }}</style></head><body><p>{YIELD}</p>"
    '<p id="y">Secret words.</p><p style="position:absolute;left:-9999px">Secret words.</p>'
    '<p style="font-size:0">Secret words.</p><p style="opacity:0">Secret words.</p></body></html>'
)
OUTLOOK = (
    "From: a@b.c\nTo: d@e.f\nSubject: x\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n\n"
    f"{YIELD}\n\nOn Mon, 1 Jan 2024, Bob wrote:\n> Secret words.\n\n-- \nSecret words.\n"
)
VOICES = (
    "WEBVTT\nKind: captions\n\nNOTE Secret words.\n\n1\n00:01.000 --> 00:04.000 align:start\n"
    f"<v Anna>{YIELD}</v>\n"
)
PUBMED = f"PMID- 123\nTI  - T of it\nAB  - {YIELD}\nAU  - X\n\n"


@pytest.mark.parametrize(
    ("name", "document", "wanted"),
    [
        ("logseq.md", LOGSEQ, [YIELD, COATING]),
        ("callout.md", NESTED_CALLOUT, [YIELD, COATING]),
        ("old.ipynb", OLD_NOTEBOOK, [YIELD]),
        ("gemini.jsonl", GEMINI, [YIELD, COATING]),
        ("claude.json", CLAUDE, [YIELD]),
        ("feed.xml", ATOM, [YIELD]),
        ("page.html", OFF_PAGE, [YIELD]),
        ("page.htm", OFF_PAGE.encode("utf-16"), [YIELD]),
        ("reply.eml", OUTLOOK, [YIELD]),
        ("voices.vtt", VOICES, [YIELD]),
        ("pubmed.txt", PUBMED, [YIELD]),
        ("tabs.csv", f"id\ttext\n1\t{YIELD}\n2\t{COATING}\n".encode("utf-16"), [YIELD, COATING]),
        ("saved.txt", f"{{\\rtf1\\ansi {YIELD}\\par}}", [YIELD]),
    ],
)
def test_a_file_of_another_program_is_read_without_what_is_hidden_or_quoted(
    name: str, document: str | bytes, wanted: Sequence[str]
) -> None:
    text = _text(document, name)
    assert [sentence for sentence in wanted if sentence not in text] == []
    assert "Secret" not in text


def test_a_manual_page_is_read_by_its_headings() -> None:
    result = read(MANUAL, "foul.8")
    prose = [
        (passage.title, passage.text) for passage in result.passages if passage.kind == "prose"
    ]
    assert result.kind == "manual-page"
    assert prose == [
        ("foul / NAME", "foul - report fouling"),
        (
            "foul / LOSS OF YIELD",
            "Turbines(7) lose a tenth of their yield within two summers to mussels on the blades."
            f"\n\n{COATING}",
        ),
    ]
    assert [part.text for part in result.left_out] == ["1 table was left out"]
    assert [passage.text for passage in result.passages if passage.kind == "code"] == [
        "foul --report"
    ]


def test_lines_of_a_packed_text_are_joined_as_those_of_a_text() -> None:
    lines = YIELD.replace(" their ", "\ntheir ").replace(" on ", "\non ")
    facts = texts_of(
        read(gzip.compress(lines.encode()), "notes.txt.gz"),
        source="notes.txt.gz",
        chars_max=900,
    ).texts
    assert [fact.text for fact in facts] == [YIELD]
