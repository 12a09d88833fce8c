"""Each format gives passages with titles and metadata, or the reason why it is refused."""

from __future__ import annotations

import json

import pytest

from daydream_memory.chunking import facts_of
from daydream_memory.reading import DocumentMetadata, Passage, read_document
from support.documents import docx, pdf

HTML = """<html><head><title>Ice</title><script>var x = "no text";</script></head>
<body><nav>Home | About</nav>
<main><p>Before any heading.</p>
<h1>Valleys</h1><p>Glaciers carve <b>round</b> floors &amp; walls.</p>
<h2>Rivers</h2><ul><li>V-shaped</li><li>steep</li></ul></main>
<footer>All rights reserved</footer></body></html>"""
BIB = r"""@article{ant2019, title = {The {DNA} of Gr\"ubel's ants}, abstract = "Ants regulate
  their traffic.", keywords = {ants; traffic, control}, year = 2019}
@book{silent, title = {No abstract}}
@article{broken, title ="""


def texts(data: bytes, name: str) -> list[tuple[str, str]]:
    reading = read_document(data, name)
    assert reading.status == "read", reading.note
    return [
        (passage.title, " ".join(passage.text.split()))
        for passage in reading.passages
        if passage.text.strip()
    ]


def test_a_web_page_is_read_by_headings_without_menus_and_scripts() -> None:
    assert texts(HTML.encode(), "a.html") == [
        ("Ice", "Before any heading."),
        ("Valleys", "Glaciers carve **round** floors & walls."),
        ("Valleys / Rivers", "* V-shaped * steep"),
    ]


def test_a_web_page_without_headings_is_one_passage() -> None:
    assert texts(b"<p>Just a line &lt; that stands alone", "a.HTM") == [
        ("", "Just a line < that stands alone")
    ]


def test_a_word_document_is_read_by_its_headings() -> None:
    data = docx(
        ("Heading1", "Valleys"),
        ("Normal", "Glaciers carve round floors."),
        ("Heading2", "Rivers"),
        ("Normal", "They cut &amp; carry."),
    )
    assert texts(data, "a.docx") == [
        ("Valleys", "Glaciers carve round floors."),
        ("Valleys / Rivers", "They cut & carry."),
    ]


def test_a_pdf_is_read_page_by_page_whatever_its_file_name() -> None:
    data = pdf(
        [
            "Glaciers carve round floors into their valleys.",
            "Rivers carve sharp ones, and both can be told apart.",
        ],
        "Valleys",
    )
    assert (
        texts(data, "a.pdf")
        == texts(data, "no ending")
        == [
            ("Valleys / page 1", "Glaciers carve round floors into their valleys."),
            ("Valleys / page 2", "Rivers carve sharp ones, and both can be told apart."),
        ]
    )
    assert read_document(data, "a.pdf").passages[0].metadata == DocumentMetadata(
        tags=("ice", "rivers"), date="2024"
    )


@pytest.mark.parametrize(
    ("data", "name", "why"),
    [
        (b"PK\x03\x04 not really", "a.docx", "Word"),
        (b"%PDF-1.4\ntruncated", "a.pdf", "PDF"),
        (pdf(["", ""]), "a.pdf", "OCR"),
        (b"@book{a, title={no abstract}}", "a.bib", "no entry has an abstract"),
        (b"id,size\n1,2\n3,4\n", "a.csv", "no column holds texts"),
        (b"", "b.csv", ""),
        (b'{"id": 1}\n', "a.jsonl", "no record has a text"),
    ],
)
def test_an_unreadable_file_is_refused_with_the_reason(data: bytes, name: str, why: str) -> None:
    reading = read_document(data, name)
    assert reading.status == ("refused" if data else "skipped")
    assert why in reading.note


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_with_a_named_text_column_is_read_row_by_row(delimiter: str) -> None:
    rows = [
        ("Title", "Abstract", "year"),
        ("Ice", '"Glaciers, rivers; and ""valleys"" of\nall kinds."', "2001"),
        ("None", "", "2002"),
    ]
    reading = read_document(
        "\n".join(delimiter.join(row) for row in rows).encode(),
        "a.tsv" if delimiter == "\t" else "a.csv",
    )
    assert reading.passages == (
        Passage(
            'Glaciers, rivers; and "valleys" of\nall kinds.',
            "Ice",
            DocumentMetadata(date="2001"),
        ),
    )
    assert reading.note == "texts are from the column 'Abstract'; 1 row without one was left out"


def test_the_longest_column_of_a_table_is_its_text_when_none_is_named_so() -> None:
    reading = read_document(
        b"id,remark,who\n1,Salt was once so dear that armies were paid in it,ada\n"
        b"2,Peat grows a millimetre a year in bogs like these,bob\n",
        "a.csv",
    )
    assert [passage.text[:4] for passage in reading.passages] == ["Salt", "Peat"]


def test_bibtex_gives_abstracts_with_plain_letters() -> None:
    reading = read_document(BIB.encode(), "a.bib")
    about = DocumentMetadata(tags=("ants", "traffic", "control"), date="2019")
    assert reading.passages == (
        Passage("Ants regulate their traffic.", "The DNA of Grübel's ants", about),
    )
    assert reading.note == "2 entries without an abstract were left out"


def test_front_matter_gives_metadata_and_a_horizontal_rule_does_not() -> None:
    note = (
        "---\ntitle: Valleys\ntags: [ice, rivers]\nlicense: CC-BY\ndate: 2024-05-01\n"
        "domain: geology\n---\nGlaciers carve round floors.\n# More\n\nText.\n"
    )
    first, second = read_document(note.encode(), "a.md").passages
    assert first == Passage(
        "Glaciers carve round floors.",
        "Valleys",
        DocumentMetadata(("ice", "rivers"), "geology", "CC-BY", "2024-05-01"),
    )
    assert (second.title, second.metadata) == ("More", first.metadata)
    assert (
        read_document(b"---\nnot: [yaml\n---\nA text.\n", "a.md").passages[0].metadata
        == DocumentMetadata()
    )


def test_a_record_keeps_its_tags_licence_and_date_in_its_facts() -> None:
    record = {
        "text": "Salt was once so dear that armies were paid in it, and roads were built for it.",
        "Tags": "salt, roads",
        "licence": "CC0",
        "year": 1900,
    }
    reading = read_document(json.dumps(record).encode(), "a.jsonl")
    (fact,) = facts_of(reading, document_id="d", source="/a.jsonl", chars_max=900).facts
    assert (fact.tags, fact.licence, fact.date, fact.domain) == (
        ("salt", "roads"),
        "CC0",
        "1900",
        "",
    )
