"""A web page to passages: its main part by headings, without what is hidden or around it."""

from __future__ import annotations

from typing import Any

from lxml import etree

from daydream_memory.reading.formulas import replace_formulas
from daydream_memory.reading.hidden_markup import remove_hidden
from daydream_memory.reading.markup_blocks import blocks_of, parse_markup
from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.page_furniture import main_part
from daydream_memory.reading.passages import (
    DocumentMetadata,
    LeftOut,
    RawDocument,
    Reading,
    counted,
)

Element = Any  # lxml has no types
META_FIELDS = {
    "keywords": "keywords",
    "citation_keywords": "keywords",
    "dc.date": "date",
    "citation_publication_date": "date",
    "article:published_time": "date",
    "dc.rights": "rights",
}


def read_web_page(document: RawDocument) -> Reading:
    """Return the passages of a page, with its title for those without a heading."""
    root = parse_markup(document.text)
    title = page_title(root)
    metadata = _metadata(root)
    replace_formulas(root)
    left_out = remove_hidden(root)
    left_out += pictures(root)
    main, furniture = main_part(root)
    passages = passages_of(_with_words(blocks_of(main)), title, metadata)
    return Reading(passages, (*left_out, *furniture), title=title)


def read_fragment(markup: str) -> tuple[list[Block], list[LeftOut]]:
    """Return the blocks of markup that is all text, such as a converted document, and a report."""
    root = parse_markup(markup)
    formulas = replace_formulas(root)
    left_out = remove_hidden(root) + pictures(root)
    return blocks_of(root), left_out + kept_formulas(formulas)


def kept_formulas(count: int) -> list[LeftOut]:
    """Return a report of formulas, which are kept as LaTeX."""
    return counted("equations", count, "equation", "equations", "kept as LaTeX")


def pictures(root: Element) -> list[LeftOut]:
    """Return a report of the pictures below an element."""
    return counted("pictures", sum(1 for _ in root.iter("img")), "picture", "pictures")


def page_title(root: Element) -> str:
    """Return the title of a page, "" for none."""
    title = root.find(".//title")
    if title is None:
        return ""
    return " ".join("".join(title.itertext(etree.Element)).split())


def _metadata(root: Element) -> DocumentMetadata:
    values: dict[str, object] = {}
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        if name in META_FIELDS and meta.get("content"):
            values.setdefault(META_FIELDS[name], meta.get("content"))
    for link in root.iter("link"):
        if link.get("rel") == "license" and link.get("href"):
            values.setdefault("rights", link.get("href"))
    return metadata_of(values)


def _with_words(blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if any(letter.isalpha() for letter in block.text)]
