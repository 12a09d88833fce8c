"""XML of publishers and libraries (JATS, TEI, DocBook, feeds) to passages by headings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree

from daydream_memory.reading.formulas import inline_latex, mathml_latex
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import RawDocument, Reading, UnreadableDocumentError
from daydream_memory.reading.tables import is_prose
from daydream_memory.reading.web_page import read_fragment
from daydream_memory.reading.word_lists import word_set
from daydream_memory.reading.xml_parts import broken_parts, local_name, parse_xml

Element = Any  # lxml has no types
HEADINGS = word_set("title article-title head subtitle")
PARAGRAPHS = word_set("p para simpara l abstract description summary content encoded ab")
SECTIONS = word_set(
    "sec section div chapter sect1 sect2 sect3 sect4 div1 div2 item entry abstract appendix "
    "article book"
)
PARTS = PARAGRAPHS | SECTIONS
NO_TEXT = word_set(
    "ref-list listBibl bibliography journal-meta contrib-group aff permissions table-wrap table "
    "teiHeader sourceDesc revisionDesc history pub-date author editor affiliation ack notes "
    "fn-group graphic media programlisting script style link guid id self-uri custom-meta-group"
)
TITLES = ("article-title", "title", "head")


def read_xml_document(document: RawDocument) -> Reading:
    """Return the passages. Raise UnreadableDocumentError if no element holds a sentence."""
    root = parse_xml(document.text.encode("utf-8", "replace"))
    if root is None:
        raise UnreadableDocumentError("not readable XML")
    title = _title(root)
    blocks = list(_outline(root) if local_name(root) == "opml" else _blocks(root))
    if not any(block.kind in ("prose", "item") for block in blocks):
        blocks = [Block("prose", text) for text in _sentences(root)]
    if not blocks:
        raise UnreadableDocumentError("XML without sentences; convert it to text or a table")
    return Reading(passages_of(blocks, title), tuple(broken_parts(root)), title=title)


def _title(root: Element) -> str:
    for name in TITLES:
        element = next(iter(root.iter(f"{{*}}{name}")), None)
        if element is not None and (text := _text(element)):
            return text
    return ""


def _blocks(root: Element) -> Iterator[Block]:
    walker = etree.iterwalk(root, events=("start", "end"))
    level = 0
    for event, element in walker:
        name = local_name(element)
        if event == "end":
            level -= name in SECTIONS
            yield from _loose_text(element.tail)
        elif name in NO_TEXT:
            walker.skip_subtree()
        elif name in HEADINGS:
            yield Block("heading", _text(element), max(1, level))
            walker.skip_subtree()
        elif name in PARAGRAPHS and not _has_paragraphs(element):
            level += name in SECTIONS
            yield from _paragraph(element)
            walker.skip_subtree()
        else:
            level += name in SECTIONS
            yield from _loose_text(element.text)


def _outline(root: Element) -> Iterator[Block]:
    """Yield the lines of an outline (OPML): one with others below it is their heading."""
    waiting = [(root, 0)]
    while waiting:
        element, level = waiting.pop()
        text = " ".join(element.get("text", "").split())
        children = [child for child in element if isinstance(child.tag, str)]
        if text:
            yield Block("heading", text, level) if children else Block("item", text)
        if note := " ".join(element.get("_note", "").split()):
            yield Block("prose", note)
        waiting += [(child, level + bool(text)) for child in reversed(children)]


def _loose_text(text: str | None) -> Iterator[Block]:
    """Yield a sentence that stands beside paragraphs, in none itself."""
    if text and is_prose(text):
        yield Block("prose", " ".join(text.split()))


def _has_paragraphs(element: Element) -> bool:
    return any(local_name(child) in PARTS for child in element)


def _paragraph(element: Element) -> Iterator[Block]:
    text = _text(element)
    if "<" in text and "</" in text:  # feeds carry pages as text
        yield from read_fragment(text)[0]
    elif text:
        yield Block("prose", text)


def _sentences(root: Element) -> Iterator[str]:
    for element in root.iter(etree.Element):
        if len(element) == 0 and element.text and is_prose(element.text):
            yield " ".join(element.text.split())


def _text(element: Element) -> str:
    parts: list[str] = []
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, part in walker:
        name = local_name(part)
        if event == "start" and name == "math":
            parts.append(inline_latex(mathml_latex(part)))
            walker.skip_subtree()
        elif event == "start" and name and name not in NO_TEXT:
            parts.append(part.text or "")
        elif event == "end" and part is not element:
            parts.append(part.tail or "")
    return " ".join("".join(parts).split())
