"""Org notes to passages: by headings, without drawers, plans and settings; code apart."""

from __future__ import annotations

import re

from daydream_memory.reading.markup_tables import row_text
from daydream_memory.reading.metadata import metadata_of
from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import LeftOut, RawDocument, Reading, counted

HEADING = re.compile(
    r"^(\*+)\s+(?:(?:TODO|DONE|NEXT|WAITING|HOLD|CANCELLED|CANCELED|STARTED|IN-PROGRESS)\s+)?"
    r"(?:\[#\w\]\s+)?(COMMENT\b)?\s*(.*?)(?:\s+(:[\w@#%:]+:))?\s*$"
)
KEYWORD = re.compile(r"^\s*#\+(\w+):\s*(.*)$")
DRAWER = re.compile(r"^\s*:(?!END:)[\w-]+:\s*$", re.IGNORECASE)
DRAWER_END = re.compile(r"^\s*:END:\s*$", re.IGNORECASE)
BLOCK = re.compile(r"^\s*#\+begin_(\w+)", re.IGNORECASE)
PLANNING = re.compile(r"^\s*(?:(?:SCHEDULED|DEADLINE|CLOSED|CLOCK):\s*[\[<].*)+$")
COMMENT = re.compile(r"^\s*#(?:\s|$)")
ITEM = re.compile(r"^\s*(?:[-+]|\d+[.)])\s+(?:\[[ xX-]\]\s+)?(?:(.*?)\s+::\s+)?(.*)$")
TABLE_ROW = re.compile(r"^\s*\|(.*)\|\s*$")
LINK = re.compile(r"\[\[([^\]]+)\](?:\[([^\]]+)\])?\]")
PICTURE = re.compile(r"^(?:file:)?\S+\.(?:png|jpe?g|gif|svg|webp|pdf|tiff?)$", re.IGNORECASE)
EMPHASIS = re.compile(r"(?<![\w/])([*/_=~+])(?=\S)([^\n]*?\S)\1(?![\w/])")
FOOTNOTE = re.compile(r"\[fn:([^\]:]*)(?::([^\]]*))?\]")
TIMESTAMP = re.compile(r"[<\[]\d{4}-\d{2}-\d{2}[^>\]]*[>\]]")
TARGET = re.compile(r"<<<?[^<>\n]+>>>?")
CODE_BLOCKS = frozenset(("src", "example", "export"))
UNREAD_TAGS = frozenset(("noexport", "ARCHIVE"))
UNREAD_BLOCKS = frozenset(("comment",))
TAG_KEYWORDS = frozenset(("FILETAGS", "KEYWORDS", "TAGS"))


def read_org(document: RawDocument) -> Reading:
    """Return the passages of a note."""
    reader = _OrgReader()
    for line in document.text.replace("\r\n", "\n").split("\n"):
        reader.add(line)
    reader.end_paragraph()
    keywords = reader.keywords
    tags = [
        tag for name in TAG_KEYWORDS for tag in re.split(r"[:\s,]+", keywords.get(name, "")) if tag
    ]
    title = keywords.get("TITLE", "")
    about = metadata_of({"tags": tags, "date": keywords.get("DATE", "").strip("<>[]")[:10]})
    return Reading(passages_of(reader.blocks, title, about), tuple(reader.left_out()), title=title)


class _OrgReader:
    """The blocks so far, and what the next line belongs to."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.keywords: dict[str, str] = {}
        self.lines: list[str] = []
        self.rows: list[list[str]] = []  # of the table that is being read
        self.columns: list[str] = []  # their names
        self.inside = ""  # the kind of block, or "drawer"
        self.code: list[str] = []
        self.comments = self.drawers = self.pictures = self.unread = 0
        self.unread_level = 0  # of the heading whose section is not exported, 0 for none

    def add(self, line: str) -> None:
        """Add a line of the note."""
        if self.inside:
            self._add_inside(line)
        elif heading := HEADING.match(line):
            self._add_heading(len(heading[1]), heading[3], bool(heading[2]), heading[4] or "")
        elif self.unread_level:
            return
        elif block := BLOCK.match(line):
            self.end_paragraph()
            self.inside = block[1].lower()
        elif DRAWER.match(line):
            self.inside = "drawer"
            self.drawers += 1
        elif keyword := KEYWORD.match(line):
            self.keywords.setdefault(keyword[1].upper(), keyword[2].strip())
        elif COMMENT.match(line):
            self.comments += 1
        elif not PLANNING.match(line):
            self._add_text(line)

    def _add_heading(self, level: int, text: str, is_comment: bool, tags: str) -> None:
        self.end_paragraph()
        if self.unread_level and level > self.unread_level:
            return
        is_unread = is_comment or not UNREAD_TAGS.isdisjoint(tags.split(":"))
        self.unread_level = level if is_unread else 0
        self.unread += is_unread
        if not is_unread:
            self.blocks.append(Block("heading", self._words(text), level))

    def _add_inside(self, line: str) -> None:
        if self.inside == "drawer":
            self.inside = "" if DRAWER_END.match(line) else "drawer"
        elif line.strip().lower() == f"#+end_{self.inside}":
            if self.inside in CODE_BLOCKS:
                self.blocks.append(Block("code", "\n".join(self.code)))
            self.comments += self.inside in UNREAD_BLOCKS
            self.end_paragraph()
            self.inside, self.code = "", []
        elif self.inside in CODE_BLOCKS:
            self.code.append(line)
        elif self.inside not in UNREAD_BLOCKS:
            self._add_text(line)

    def _add_text(self, line: str) -> None:
        if row := TABLE_ROW.match(line):
            self.end_paragraph()
            self._add_row(row[1])
            return
        self.rows, self.columns = [], []
        if item := ITEM.match(line):
            self.end_paragraph()
            text = f"{item[1]}: {item[2]}" if item[1] else item[2]
            self.blocks.append(Block("item", self._words(text)))
        elif line.strip():
            self.lines.append(line.strip())
        else:
            self.end_paragraph()

    def _add_row(self, row: str) -> None:
        """Add a row of a table. The one above the first rule names the columns."""
        if row.startswith("-"):
            if len(self.rows) == 1 and not self.columns:
                self.columns = self.rows[0]
                self.blocks.pop()
            return
        cells = [self._words(cell) for cell in row.split("|")]
        self.rows.append(cells)
        self.blocks.append(Block("row", row_text(cells, self.columns)))

    def end_paragraph(self) -> None:
        """Make a block of the lines since the last one."""
        if text := self._words("\n".join(self.lines)):
            self.blocks.append(Block("prose", text))
        self.lines = []

    def _words(self, text: str) -> str:
        text = LINK.sub(self._link, text)
        text = FOOTNOTE.sub(lambda note: f" ({note[2].strip()})" if note[2] else "", text)
        text = TARGET.sub("", TIMESTAMP.sub("", text))
        return EMPHASIS.sub(r"\2", text).strip()

    def _link(self, link: re.Match[str]) -> str:
        if PICTURE.match(link[1]):
            self.pictures += 1
            return link[2] or ""
        return link[2] or re.sub(r"^(?:id|file|https?|roam):\S*$", "", link[1])

    def left_out(self) -> list[LeftOut]:
        """Return the report for a person."""
        return [
            *counted("comments", self.comments, "comment", "comments"),
            *counted("drawers", self.drawers, "drawer", "drawers"),
            *counted(
                "hidden-text",
                self.unread,
                "section that is not exported",
                "sections that are not exported",
            ),
            *counted("pictures", self.pictures, "picture", "pictures"),
        ]
