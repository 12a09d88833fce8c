"""A corpus of documents of several kinds, made from the labelled passages with a seed.

Sentences, lists, menus and reference lists are those of the passages, in another order in each
document, so that the passage filter has the work that it has with a lab's files.
"""

from __future__ import annotations

import csv
import html
import io
import random
import textwrap
import zipfile

from benchmarks.documents.labelled import labelled_passages
from support.pdf_files import Draw, lines, pdf_file

SECTIONS_PER_DOCUMENT = 24
PASSAGES_PER_SECTION = 4
JUNK_SHARE = 0.15
LINE_CHARS = 90
Section = tuple[str, list[str]]
WORD_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
    'relationships+xml"/><Override PartName="/word/document.xml" ContentType="application/vnd.'
    'openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
WORD_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/'
    'relationships/officeDocument" Target="word/document.xml"/></Relationships>'
)
WORD_NAMESPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def documents(count: int, seed: int, sections: int = SECTIONS_PER_DOCUMENT) -> dict[str, bytes]:
    """Return documents by name, an equal number of each kind."""
    chance = random.Random(seed)
    return {
        f"{number}.{ending}": make(_sections(sections, chance))
        for number in range(count)
        for ending, make in MAKERS.items()
    }


def large_documents(megabytes: float, seed: int) -> dict[str, bytes]:
    """Return one document of each kind with this number of megabytes of text."""
    chance = random.Random(seed)
    sections: list[Section] = []
    size = 0
    while size < megabytes * 1e6:
        sections += _sections(SECTIONS_PER_DOCUMENT, chance)
        size = sum(len(text.encode()) for _, texts in sections for text in texts)
    return {f"large.{ending}": make(sections) for ending, make in MAKERS.items()}


def _sections(count: int, chance: random.Random) -> list[Section]:
    passages = labelled_passages()
    content = [passage.text for passage in passages if passage.is_content]
    junk = [passage.text for passage in passages if not passage.is_content]
    return [
        (
            f"Section {number} of part {chance.randrange(9)}",
            [
                chance.choice(junk)
                if chance.random() < JUNK_SHARE
                else f"In study {chance.randrange(10**6)} it was seen: {chance.choice(content)}"
                for _ in range(PASSAGES_PER_SECTION)
            ],
        )
        for number in range(count)
    ]


def _markdown(sections: list[Section]) -> bytes:
    parts = [f"## {title}\n\n" + "\n\n".join(texts) for title, texts in sections]
    return "\n\n".join(parts).encode()


def _text(sections: list[Section]) -> bytes:
    parts = [f"{title}\n\n" + "\n\n".join(texts) for title, texts in sections]
    return "\n\n".join(parts).encode()


def _page(sections: list[Section]) -> bytes:
    body = "".join(
        f"<h2>{title}</h2>" + "".join(f"<p>{html.escape(text)}</p>" for text in texts)
        for title, texts in sections
    )
    start = "<!doctype html><html><head><meta charset='utf-8'><title>Notes</title></head><body>"
    return f"{start}<nav>Home | About</nav><main>{body}</main></body></html>".encode()


def _table(sections: list[Section]) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["title", "abstract"])
    writer.writerows([title, text] for title, texts in sections for text in texts)
    return file.getvalue().encode()


def _word(sections: list[Section]) -> bytes:
    paragraphs = "".join(
        _word_paragraph(title, "Heading2") + "".join(_word_paragraph(text) for text in texts)
        for title, texts in sections
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", WORD_TYPES)
        archive.writestr("_rels/.rels", WORD_RELATIONS)
        archive.writestr(
            "word/document.xml",
            f'<w:document xmlns:w="{WORD_NAMESPACE}"><w:body>{paragraphs}</w:body></w:document>',
        )
    return file.getvalue()


def _pdf(sections: list[Section]) -> bytes:
    pages = [_page_of_pdf(title, texts) for title, texts in sections]
    return pdf_file(*pages)


def _page_of_pdf(title: str, texts: list[str]) -> Draw:
    plain = [text.encode("ascii", "replace").decode() for text in texts]
    wrapped = [line for text in plain for line in (*textwrap.wrap(text, LINE_CHARS), "")]
    return lines([title, "", *wrapped])


def _word_paragraph(text: str, style: str = "Normal") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>'
    return f"<w:p>{properties}<w:r><w:t>{html.escape(text)}</w:t></w:r></w:p>"


MAKERS = {"md": _markdown, "html": _page, "txt": _text, "csv": _table, "docx": _word, "pdf": _pdf}
