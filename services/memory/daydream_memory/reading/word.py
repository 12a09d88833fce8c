"""A Word document to passages, by headings, as a reader who accepted all changes sees it.

Data: `document.xml` → paragraphs and tables → blocks → passages. Deleted and hidden text, remarks,
page headers and pictures are left out; equations become LaTeX; text boxes and notes are read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import Any

from lxml import etree

from daydream_memory.reading.markup_tables import row_text
from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import (
    LeftOut,
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)
from daydream_memory.reading.web_page import kept_formulas
from daydream_memory.reading.word_runs import Paragraph, RunReader
from daydream_memory.reading.word_styles import Styles, W, styles_of
from daydream_memory.reading.xml_parts import read_xml
from daydream_memory.reading.zip_parts import open_zip

Element = Any  # lxml has no types
BOLD_LEVEL = 10  # a line in bold is below every heading with a style
BOLD_CHARS_MAX = 100
MAIN_PART = "word/document.xml"
NOTES = ("word/footnotes.xml", "word/endnotes.xml")


def read_word(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError if the file is broken."""
    with open_zip(document.data, "Word document") as archive:
        root = read_xml(archive, MAIN_PART) if MAIN_PART in archive.namelist() else None
        if root is None:
            raise UnreadableDocumentError("not a readable Word document: it has no text in it")
        styles = styles_of(read_xml(archive, "word/styles.xml"))
        runs = RunReader(styles)
        paragraphs = list(_paragraphs(root, runs, styles))
        for name in NOTES:
            notes = read_xml(archive, name)
            if notes is not None:
                paragraphs += _paragraphs(notes, runs, styles)
        about = _properties(archive)
        comments = read_xml(archive, "word/comments.xml")
        headers = sum(_is_header(name) for name in archive.namelist())
    title = str(about.get("title") or "")
    left_out = [
        *_report(root, runs, comments),
        *counted("page-headers", headers, "page header or footer", "page headers and footers"),
    ]
    return Reading(
        passages_of(_blocks(paragraphs), title, metadata_of(about)), tuple(left_out), title=title
    )


def _report(root: Element, runs: RunReader, comments: Element | None) -> list[LeftOut]:
    remarks = len(comments) if comments is not None else 0
    pictures = sum(1 for _ in root.iter("{*}blip")) + sum(1 for _ in root.iter("{*}imagedata"))
    return [
        *counted("hidden-text", runs.hidden, "hidden piece of text", "hidden pieces of text"),
        *counted("deleted-text", runs.deleted, "deleted piece of text", "deleted pieces of text"),
        *counted("comments", remarks, "comment", "comments"),
        *counted("pictures", pictures, "picture", "pictures"),
        *kept_formulas(runs.formulas),
    ]


def _is_header(name: str) -> bool:
    return name.startswith(("word/header", "word/footer"))


def _properties(archive: zipfile.ZipFile) -> dict[str, object]:
    core = read_xml(archive, "docProps/core.xml")
    if core is None:
        return {}
    fields = {"title": "title", "keywords": "keywords", "date": "modified"}
    about = {name: core.findtext(f"{{*}}{tag}") or "" for name, tag in fields.items()}
    return {**about, "date": about["date"][:10]}


def _paragraphs(root: Element, runs: RunReader, styles: Styles) -> Iterator[Paragraph | Block]:
    """Yield the paragraphs and rows in their order. Text boxes come behind their paragraph."""
    walker = etree.iterwalk(root, events=("start",))
    for _, element in walker:
        if element.tag == f"{W}tbl" and not _is_layout(element):
            yield from _rows(element, runs)
            walker.skip_subtree()
        elif element.tag == f"{W}p":
            yield from runs.paragraphs(element)
            walker.skip_subtree()
        elif element.tag in (f"{W}del", f"{W}moveFrom"):
            walker.skip_subtree()


def _is_layout(table: Element) -> bool:
    """Return whether a table only places text: a single cell, or one with tables in it."""
    # no more is looked at than it takes to tell: a thousand tables may be nested
    two_cells = len(list(islice(table.iter(f"{W}tc"), 2))) == 2
    return not two_cells or next(table.iterdescendants(f"{W}tbl"), None) is not None


def _rows(table: Element, runs: RunReader) -> Iterator[Block]:
    headings: list[str] = []
    for row in table.iter(f"{W}tr"):
        cells = [
            " ".join(
                paragraph.text
                for element in cell.iter(f"{W}p")
                for paragraph in runs.paragraphs(element)
            ).strip()
            for cell in row.iter(f"{W}tc")
        ]
        if row.find(f"{W}trPr/{W}tblHeader") is not None and not headings:
            headings = cells
        elif any(cells):
            yield Block("row", row_text(cells, headings))


def _blocks(paragraphs: list[Paragraph | Block]) -> Iterator[Block]:
    for place, paragraph in enumerate(paragraphs):
        after = paragraphs[place + 1] if place + 1 < len(paragraphs) else None
        if isinstance(paragraph, Block):
            yield paragraph
        elif paragraph.level:
            yield Block("heading", paragraph.text, paragraph.level)
        elif _is_bold_heading(paragraph, after):
            yield Block("heading", paragraph.text.rstrip(":"), BOLD_LEVEL)
        else:
            yield Block("item" if paragraph.is_item else "prose", paragraph.text)


def _is_bold_heading(paragraph: Paragraph, after: Paragraph | Block | None) -> bool:
    """Return whether a short line in bold stands above other text, as typed headings do."""
    if not paragraph.is_bold or paragraph.is_item or len(paragraph.text) > BOLD_CHARS_MAX:
        return False
    if paragraph.text.rstrip().endswith((".", "!", ";", ",")) or after is None:
        return False
    return isinstance(after, Block) or not after.is_bold
