"""A tree of HTML elements to blocks. Every format that can become HTML is read through here.

The walk is iterative: documents with 100,000 nested elements exist.
"""

from __future__ import annotations

import re
from typing import Any

from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from daydream_memory.reading.code_lines import looks_like_code
from daydream_memory.reading.line_joining import paragraphs_of
from daydream_memory.reading.markup_tables import is_data_table, rows_of
from daydream_memory.reading.outline import Block, BlockKind
from daydream_memory.reading.raised import raised
from daydream_memory.reading.word_lists import word_set

Element = Any  # lxml has no types
HEADINGS = {f"h{level}": level for level in range(1, 7)}
BLOCK_KINDS: dict[str, BlockKind] = {
    "li": "item",
    "pre": "code",
    **dict.fromkeys(HEADINGS, "heading"),
}
CONTAINERS = word_set(
    "html body main article section div p blockquote ul ol dl dt dd table tbody thead tfoot tr "
    "td th figure figcaption caption header footer aside nav form fieldset legend details "
    "summary address center hr option label"
)
NO_TEXT = word_set(
    "script style head title template noscript iframe object embed svg canvas audio video img "
    "picture input select textarea button map source meta link base "
    "rt rp rtc"  # how the letters before are spoken
)
SPACES = re.compile(r"[ \t\r\n\f]+")
# what a page of frames says to those who see none
FRAMES = re.compile(r"</?(?:noframes|frameset|frame)\b[^<>]*>", re.IGNORECASE)
NESTED_BLOCK = re.compile(
    r"</?(?:div|section|article|main|table|tbody|tr|td|ul|ol|li|dl|dd"
    r"|blockquote|center|form)\b[^>]*>",
    re.IGNORECASE,
)
NESTED_INLINE = re.compile(
    r"</?(?:span|font|b|i|em|strong|u|a|small|big|code)\b[^>]*>", re.IGNORECASE
)
SENTENCE_MARKS = tuple("\n.!?:;\u3002\uff01\uff1f")
LINE_BREAK = "\u2028"  # stands for <br> until spaces are joined
# around the description of a picture: it stays in a sentence, and goes where it stands alone
PICTURE_MARK = "\ue001"
PICTURE = re.compile(f"{PICTURE_MARK}([^{PICTURE_MARK}]*){PICTURE_MARK}")
FILE_NAME = re.compile(
    r"^\S*\.\w{2,4}$|^(image|img|photo|picture|logo|icon)?\W*\d*$", re.IGNORECASE
)
DESCRIPTION_CHARS_MAX = 120


def parse_markup(markup: str) -> Element:
    """Return the root element of a page, however broken its markup is. Entities stay harmless."""
    markup = FRAMES.sub("", markup.replace("\x00", ""))
    root, complete = _parse(markup)
    if complete:
        return root
    # paragraphs do not nest: so nothing is lost below the parser's deepest level
    return _parse(NESTED_INLINE.sub("", NESTED_BLOCK.sub("<p>", markup)))[0]


def _parse(markup: str) -> tuple[Element, bool]:
    """Return the root, and whether the parser came to the end."""
    parser = HTMLParser(encoding="utf-8", huge_tree=True, remove_pis=True, no_network=True)
    data = markup.encode("utf-8", "replace")
    root = document_fromstring(data if data.strip() else b"<html></html>", parser=parser)
    return root, not any("depth" in entry.message for entry in parser.error_log)


def blocks_of(root: Element) -> list[Block]:
    """Return the blocks of all that the tree still holds."""
    return _MarkupWalk().walk(root)


class _MarkupWalk:
    """The text gathered so far, and the kinds of the blocks that are open."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.texts: list[str] = []
        self.kinds: list[BlockKind] = ["prose"]
        self.levels: list[int] = [0]

    def walk(self, root: Element) -> list[Block]:
        walker = etree.iterwalk(root, events=("start", "end", "comment"))
        for event, element in walker:
            if event == "start":
                if not self._enter(element):
                    walker.skip_subtree()
            elif event == "end":
                self._leave(element)
            if event != "start" and element is not root:
                self.texts.append(element.tail or "")
        self._flush()
        return self.blocks

    def _enter(self, element: Element) -> bool:
        """Open a block, or add text. Return False for an element whose content is done with."""
        tag = element.tag
        if tag in NO_TEXT:
            if tag == "img":
                self.texts.append(_described(element))
            return False
        if tag == "table" and is_data_table(element):
            self._flush()
            self.blocks += [Block("row", row) for row in rows_of(element)]
            return False
        if tag == "sup" and len(element) <= 1:
            self.texts.append(raised("".join(element.itertext(etree.Element))))
            return False
        if tag == "br":
            self.texts.append(LINE_BREAK)
        elif tag in BLOCK_KINDS or tag in CONTAINERS:
            self._flush()
            if tag in BLOCK_KINDS:
                self.kinds.append(BLOCK_KINDS[tag])
                self.levels.append(HEADINGS.get(tag, 0))
        self.texts.append(element.text or "")
        return True

    def _leave(self, element: Element) -> None:
        tag = element.tag
        if tag not in BLOCK_KINDS and tag not in CONTAINERS:
            return
        name = "".join(self.texts).strip() if tag == "dt" else ""
        if name and not name.endswith(":"):  # what follows explains it
            self.texts.append(":")
        self._flush()
        if tag in BLOCK_KINDS and len(self.kinds) > 1:
            self.kinds.pop()
            self.levels.pop()

    def _flush(self) -> None:
        text, self.texts = "".join(self.texts), []
        if PICTURE_MARK in text:
            alone = not any(map(str.isalnum, PICTURE.sub("", text)))
            text = "" if alone else PICTURE.sub(r"\1", text)
        kind = self.kinds[-1]
        if kind == "code":
            text = text.replace(LINE_BREAK, "\n")
            if not looks_like_code(text):
                self.blocks += [Block("prose", part) for part in paragraphs_of(text)]
                return
        else:
            lines = SPACES.sub(" ", text).split(LINE_BREAK)
            text = _with_lines(lines)
        if text.strip():
            self.blocks.append(Block(kind, text, self.levels[-1]))


def _with_lines(lines: list[str]) -> str:
    """Return the lines of a block. A break in the middle of a sentence is none."""
    text = ""
    for line in map(str.strip, lines):
        goes_on = line[:1].islower() and text[-1:] not in SENTENCE_MARKS
        text += f" {line}" if text and goes_on else f"\n{line}"
    return text.strip()


def _described(picture: Element) -> str:
    """Return the description of a picture between marks, "" for a file name or a long one."""
    words = " ".join((picture.get("alt") or "").replace(PICTURE_MARK, "").split())
    if FILE_NAME.match(words) or len(words) > DESCRIPTION_CHARS_MAX:
        return ""
    return f"{PICTURE_MARK}{words}{PICTURE_MARK}"
