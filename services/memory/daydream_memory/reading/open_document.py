"""OpenDocument text and slides (ODT, ODP) to passages, by headings.

Left out: hidden text, deleted text, remarks, pictures. Formulas become LaTeX. Tables of an ODS file
are read as spreadsheets.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import Any

from lxml import etree

from daydream_memory.reading.formulas import inline_latex, mathml_latex
from daydream_memory.reading.markup_tables import row_text
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import (
    RawDocument,
    Reading,
    UnreadableDocumentError,
    counted,
)
from daydream_memory.reading.web_page import kept_formulas
from daydream_memory.reading.xml_parts import parse_xml, read_xml
from daydream_memory.reading.zip_parts import open_zip

Element = Any  # lxml has no types
OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
DRAW = "{urn:oasis:names:tc:opendocument:xmlns:drawing:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
XLINK = "{http://www.w3.org/1999/xlink}"
NO_TEXT = frozenset(
    (
        *(f"{TEXT}{name}" for name in ("tracked-changes", "page-number", "table-of-content")),
        *(f"{TEXT}{name}" for name in ("bibliography", "sequence-decls", "note-citation")),
        *(f"{TEXT}{name}" for name in ("hidden-text", "hidden-paragraph", "alphabetical-index")),
        *(f"{OFFICE}{name}" for name in ("annotation", "annotation-end", "forms")),
    )
)
HIDDEN_PARTS = (f"{TEXT}hidden-text", f"{TEXT}hidden-paragraph")
TINY = re.compile(r"^[01](?:\.\d+)?pt$")


def read_open_document(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError if the file is broken or encrypted."""
    if document.data.startswith(b"PK"):
        with open_zip(document.data, "OpenDocument file") as archive:
            manifest = read_xml(archive, "META-INF/manifest.xml")
            if manifest is not None and manifest.find(".//{*}encryption-data") is not None:
                raise UnreadableDocumentError("encrypted; save a copy without a password")
            content = read_xml(archive, "content.xml")
            about = read_xml(archive, "meta.xml")
            styles = read_xml(archive, "styles.xml")
            return _read(content, [content, styles], about, archive)
    content = parse_xml(document.data)  # a flat file: everything in one
    return _read(content, [content], content, None)


def _read(
    content: Element, styles: list[Element], about: Element, archive: zipfile.ZipFile | None
) -> Reading:
    body = content.find(f".//{OFFICE}body") if content is not None else None
    if body is None:
        raise UnreadableDocumentError("not a readable OpenDocument file: it has no text")
    reader = _BodyReader(_hidden_styles(styles), archive)
    title = (
        (about.findtext(".//{http://purl.org/dc/elements/1.1/}title") or "")
        if about is not None
        else ""
    )
    passages = passages_of(reader.blocks(body), title.strip())
    pictures = sum(1 for _ in body.iter(f"{DRAW}image"))
    left_out = [
        *counted("hidden-text", reader.hidden, "hidden part", "hidden parts"),
        *counted(
            "comments", sum(1 for _ in body.iter(f"{OFFICE}annotation")), "comment", "comments"
        ),
        *counted("pictures", max(0, pictures - reader.formulas), "picture", "pictures"),
        *kept_formulas(reader.formulas),
    ]
    return Reading(passages, tuple(left_out), title=title.strip())


def _hidden_styles(roots: list[Element]) -> frozenset[str]:
    """Return the names of the styles whose text is not seen."""
    names = set()
    for root in roots:
        for style in root.iter(f"{STYLE}style") if root is not None else ():
            properties = style.find(f"{STYLE}text-properties")
            if properties is None:
                continue
            white = properties.get(f"{FO}color", "").lower() in ("#ffffff", "#fefefe")
            shaded = properties.get(f"{FO}background-color", "transparent") != "transparent"
            hidden = properties.get(f"{TEXT}display") == "none"
            if hidden or (white and not shaded) or TINY.match(properties.get(f"{FO}font-size", "")):
                names.add(style.get(f"{STYLE}name", ""))
    return frozenset(names)


def _is_hidden_section(element: Element) -> bool:
    return bool(element.tag == f"{TEXT}section" and element.get(f"{TEXT}display") == "none")


class _BodyReader:
    """Walks the body. Counts what is hidden, and the formulas."""

    def __init__(self, hidden_styles: frozenset[str], archive: zipfile.ZipFile | None) -> None:
        self.hidden_styles = hidden_styles
        self.archive = archive
        self.hidden = self.formulas = 0

    def blocks(self, body: Element) -> Iterator[Block]:
        """Yield the blocks of the body in their order."""
        walker = etree.iterwalk(body, events=("start",))
        for _, element in walker:
            if element.tag in NO_TEXT or _is_hidden_section(element):
                self.hidden += element.tag not in NO_TEXT or element.tag in HIDDEN_PARTS
                walker.skip_subtree()
            elif element.tag == f"{TABLE}table":
                yield from self._rows(element)
                walker.skip_subtree()
            elif element.tag == f"{DRAW}page":
                yield Block("heading", element.get(f"{DRAW}name", ""), 1)
            elif element.tag in (f"{TEXT}h", f"{TEXT}p"):
                yield self._paragraph(element)
                # text boxes inside a paragraph are read with it
                walker.skip_subtree()

    def _paragraph(self, element: Element) -> Block:
        text = self._text(element).strip()
        if element.tag == f"{TEXT}h":
            return Block("heading", text, int(element.get(f"{TEXT}outline-level", "1") or 1))
        parent = element.getparent()
        is_item = parent is not None and parent.tag == f"{TEXT}list-item"
        return Block("item" if is_item else "prose", text)

    def _rows(self, table: Element) -> Iterator[Block]:
        head = table.find(f"{TABLE}table-header-rows/{TABLE}table-row")
        headings = self._cells(head) if head is not None else []
        for row in table.iter(f"{TABLE}table-row"):
            if row is not head:
                yield Block("row", row_text(self._cells(row), headings))

    def _cells(self, row: Element) -> list[str]:
        return [
            " ".join(self._text(paragraph) for paragraph in cell.iter(f"{TEXT}p")).strip()
            for cell in row.iter(f"{TABLE}table-cell")
        ]

    def _text(self, element: Element, depth: int = 0) -> str:
        if element.get(f"{TEXT}style-name", "") in self.hidden_styles:
            self.hidden += 1
            return ""
        parts = [element.text or ""]
        for child in element if depth < 50 else ():
            parts += [self._child(child, depth), child.tail or ""]
        return "".join(parts)

    def _child(self, child: Element, depth: int) -> str:
        if child.tag in NO_TEXT:
            self.hidden += child.tag in HIDDEN_PARTS
            return ""
        if child.tag == f"{TEXT}s":
            return " "
        if child.tag in (f"{TEXT}tab", f"{TEXT}line-break"):
            return " " if child.tag == f"{TEXT}tab" else "\n"
        if child.tag == f"{DRAW}object":
            return self._formula(child)
        if child.tag == f"{TEXT}note":
            return f" ({self._text(child, depth + 1).strip()})"
        return self._text(child, depth + 1)

    def _formula(self, element: Element) -> str:
        name = element.get(f"{XLINK}href", "").removeprefix("./")
        root = read_xml(self.archive, f"{name}/content.xml") if self.archive and name else None
        root = element if root is None else root
        math = next(iter(root.iter("{http://www.w3.org/1998/Math/MathML}math")), None)
        if math is None:
            return ""
        self.formulas += 1
        return inline_latex(mathml_latex(math))
