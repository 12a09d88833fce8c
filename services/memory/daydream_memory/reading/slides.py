"""A PowerPoint presentation to passages: one for each slide, with its notes."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from daydream_memory.reading.formulas import inline_latex, office_latex
from daydream_memory.reading.markup_tables import row_text
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import Passage, RawDocument, Reading, counted
from daydream_memory.reading.slide_ground import is_all_white, is_white
from daydream_memory.reading.web_page import kept_formulas
from daydream_memory.reading.xml_parts import read_xml, relations
from daydream_memory.reading.zip_parts import open_zip

Element = Any  # lxml has no types
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
TITLES = frozenset(("title", "ctrTitle"))
NO_TEXT = frozenset(("sldNum", "dt", "ftr", "hdr", "sldImg"))
SLIDE = re.compile(r"^ppt/slides/slide(\d+)\.xml$")
TINY_HUNDREDTHS = 200


@dataclass
class _Counts:
    on_white: bool = False  # the slide that is being read
    hidden: int = 0
    formulas: int = 0
    pictures: int = 0


def read_slides(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError if the file is broken."""
    counts = _Counts()
    hidden_slides = 0
    passages: list[Passage] = []
    with open_zip(document.data, "PowerPoint presentation") as archive:
        core = read_xml(archive, "docProps/core.xml")
        title = (core.findtext("{*}title") or "").strip() if core is not None else ""
        title = "" if title.lower() in ("powerpoint presentation", "präsentation") else title
        for name in _names(archive):
            slide = read_xml(archive, name)
            if slide is None:
                continue
            if slide.get("show") == "0":
                hidden_slides += 1
                continue
            passages += _passages(archive, name, slide, title, counts)
    left_out = [
        *counted("hidden-text", hidden_slides, "hidden slide", "hidden slides"),
        *counted("hidden-text", counts.hidden, "hidden text", "hidden texts"),
        *counted("pictures", counts.pictures, "picture", "pictures"),
        *kept_formulas(counts.formulas),
    ]
    return Reading(tuple(passages), tuple(left_out), title=title)


def _names(archive: zipfile.ZipFile) -> list[str]:
    """Return the parts of the slides in their order."""
    targets = relations(archive, "ppt/presentation.xml")
    presentation = read_xml(archive, "ppt/presentation.xml")
    ids = presentation.iter(f"{P}sldId") if presentation is not None else ()
    names = [targets[key] for slide in ids if (key := slide.get(f"{R}id")) in targets]
    parts = [name for name in archive.namelist() if SLIDE.match(name)]
    return names or sorted(parts, key=lambda name: int(SLIDE.sub(r"\1", name)))


def _passages(
    archive: zipfile.ZipFile, name: str, slide: Element, title: str, counts: _Counts
) -> Iterator[Passage]:
    counts.on_white = is_all_white(archive, name, slide)
    heading, blocks = _slide(slide, counts)
    counts.on_white = False
    notes_name = next(
        (target for target in relations(archive, name).values() if "/notesSlide" in target), ""
    )
    notes = read_xml(archive, notes_name) if notes_name else None
    if notes is not None:
        blocks += _slide(notes, counts)[1]
    yield from passages_of(blocks, " / ".join(filter(None, (title, heading))))


def _slide(slide: Element, counts: _Counts) -> tuple[str, list[Block]]:
    """Return the title of a slide, and the blocks of its shapes."""
    heading = ""
    blocks: list[Block] = []
    counts.pictures += sum(1 for _ in slide.iter(f"{P}pic"))
    for shape in slide.iter(f"{P}sp", f"{P}graphicFrame"):
        properties = shape.find(f".//{P}cNvPr")
        if properties is not None and properties.get("hidden") == "1":
            counts.hidden += 1
            continue
        place = shape.find(f".//{P}nvPr/{P}ph")
        kind = place.get("type", "body") if place is not None else ""
        texts = [_text(paragraph, counts) for paragraph in _own_paragraphs(shape)]
        if kind in TITLES:
            heading = " ".join(texts).strip()
        elif kind not in NO_TEXT:
            blocks += [Block("item", text) for text in texts if text]
            blocks += _rows(shape, counts)
    return heading, blocks


def _own_paragraphs(shape: Element) -> Iterator[Element]:
    body = shape.find(f"{P}txBody")
    return iter(()) if body is None else body.iter(f"{A}p")


def _rows(shape: Element, counts: _Counts) -> Iterator[Block]:
    for table in shape.iter(f"{A}tbl"):
        properties = table.find(f"{A}tblPr")
        has_head = properties is not None and properties.get("firstRow") == "1"
        headings: list[str] = []
        for row in table.iter(f"{A}tr"):
            cells = [
                " ".join(_text(paragraph, counts) for paragraph in cell.iter(f"{A}p")).strip()
                for cell in row.iter(f"{A}tc")
            ]
            if has_head and not headings:
                headings = cells
            else:
                yield Block("row", row_text(cells, headings))


def _text(paragraph: Element, counts: _Counts) -> str:
    parts: list[str] = []
    inside: Element | None = None
    for element in paragraph.iter(f"{A}r", f"{A}br", f"{A}fld", f"{M}oMath"):
        if inside is not None and inside in element.iterancestors():
            continue
        if element.tag == f"{M}oMath":
            counts.formulas += 1
            inside = element
            parts.append(inline_latex(office_latex(element)))
        elif element.tag == f"{A}br":
            parts.append(" ")
        else:
            text = element.findtext(f"{A}t") or ""
            if text.strip() and _is_unseen(element.find(f"{A}rPr"), counts):
                counts.hidden += 1
            else:
                parts.append(text)
    return " ".join("".join(parts).split())


def _is_unseen(properties: Element | None, counts: _Counts) -> bool:
    """Return whether a run is tiny, or white on a white slide."""
    if properties is None:
        return False
    size = properties.get("sz", "")
    if size.isdigit() and int(size) <= TINY_HUNDREDTHS:
        return True
    in_table = next(properties.iterancestors(f"{A}tbl"), None) is not None
    return counts.on_white and not in_table and is_white(properties.find(f"{A}solidFill"))
