"""reStructuredText to passages: by titles, with the text of notes and lists; code apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from daydream_memory.reading.outline import Block, passages_of
from daydream_memory.reading.passages import LeftOut, RawDocument, Reading, counted
from daydream_memory.reading.restructured_tables import table_at
from daydream_memory.reading.word_lists import word_set

ADORNMENT = re.compile(r"^([!-/:-@\[-`{-~])\1{2,}\s*$")
DIRECTIVE = re.compile(r"^(\s*)\.\. +(?:\|[^|]+\| +)?([\w:-]+)::[ \t]*(.*)$")
EXPLICIT = re.compile(r"^(\s*)\.\.(?:\s+|$)(.*)$")
TARGET = re.compile(r"^_[^:]*:|^__( |$)")
NOTE = re.compile(r"^\[(?:#?\w*|\*)\]\s+(.*)$")
OPTION = re.compile(r"^\s*:[\w-]+:(?:\s.*)?$")
ROLE = re.compile(r":[\w:+.-]+:`([^`]*)`(?!`)|`([^`<]+?)\s*<[^`>]*>`_{1,2}|`([^`]+)`_{0,2}")
STRONG = re.compile(r"\*\*(?=\S)(.+?)(?<=\S)\*\*|(?<!\w)\*(?=\S)(.+?)(?<=\S)\*(?!\w)")
LITERAL = re.compile(r"``(.+?)``")
REFERENCE = re.compile(
    r"(?<=\w)__?(?=[\s.,;:!?)]|$)|\s*\[(?:#?[\w.-]*|\*)\]_(?!\w)|\|([^|\s][^|]*)\|_{0,2}"
)
ITEM = re.compile(r"^(\s*)(?:[-*+•]|\(?(?:\d+|#|[a-zA-Z])[.)])\s+(.*)$")
TABLE_RULE = re.compile(r"^\s*(?:\+[-=+]+\+|=+(?:\s+=+)+)\s*$")
PROSE_DIRECTIVES = word_set(
    "note warning tip hint important caution attention danger error admonition seealso topic "
    "sidebar epigraph pull-quote highlights abstract versionadded versionchanged deprecated "
    "container rubric figure line-block compound parsed-literal todo only glossary"
)
CODE_DIRECTIVES = word_set(
    "code code-block sourcecode literalinclude highlight doctest testcode ipython prompt "
    "program-output"
)
SUBSTITUTION = re.compile(r"^\.\. +\|([^|\n]+)\| +replace::(.*)$", re.MULTILINE)
NAMED = re.compile(r"(?<!\.\. )\|([^|\s](?:[^|\n]*[^|\s])?)\|(?![\w|])")
SERIES = re.compile(r":(pep|rfc|cve|cwe|issue|bug)(?:-reference)?:", re.IGNORECASE)
TITLED = word_set("admonition topic sidebar rubric")
TABLES = word_set("list-table csv-table table")


def read_restructured_text(document: RawDocument) -> Reading:
    """Return the passages of a document."""
    reader = _TextReader()
    text = document.text.replace("\r\n", "\n")
    words = {name: replacement.strip() for name, replacement in SUBSTITUTION.findall(text)}
    if words:
        text = NAMED.sub(lambda name: words.get(name[1], name[0]), text)
    lines = [line.expandtabs() for line in text.split("\n")]
    reader.read(lines)
    return Reading(passages_of(reader.blocks), tuple(reader.left_out()))


class _TextReader:
    """The blocks so far, and the order in which signs of titles were met: that is their level."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.signs: list[str] = []
        self.comments = self.pictures = self.formulas = 0

    def read(self, lines: Sequence[str]) -> None:
        """Add the blocks of these lines."""
        place = 0
        paragraph: list[str] = []
        while place < len(lines):
            line = lines[place]
            behind, rows = table_at(lines, place)
            titled = self._title(lines, place) if behind == place else 0
            if behind > place:
                self._end(paragraph)
                self._table(rows)
                place = behind
            elif titled:
                self._end(paragraph)
                place += titled
            elif EXPLICIT.match(line):
                self._end(paragraph)
                place = self._explicit(lines, place)
            elif not line.strip():
                literal = bool(paragraph) and paragraph[-1].endswith("::")
                self._end(paragraph)
                place += 1
                if literal:
                    place = self._literal(lines, place)
            else:
                self._text(line, paragraph)
                place += 1
        self._end(paragraph)

    def _title(self, lines: Sequence[str], place: int) -> int:
        """Return how many lines a title takes from here, 0 if there is none."""
        over = ADORNMENT.match(lines[place])
        if over and place + 2 < len(lines) and lines[place + 2].rstrip() == lines[place].rstrip():
            self._heading(lines[place + 1], over[1] + over[1])
            return 3
        under = ADORNMENT.match(lines[place + 1]) if place + 1 < len(lines) else None
        text = lines[place]
        if under and not over and text.strip() and not text.startswith(" "):
            self._heading(text, under[1])
            return 2
        return 1 if over else 0

    def _heading(self, text: str, sign: str) -> None:
        if sign not in self.signs:
            self.signs.append(sign)
        self.blocks.append(Block("heading", self._words(text), self.signs.index(sign) + 1))

    def _explicit(self, lines: Sequence[str], place: int) -> int:
        """Read a directive, comment, footnote or target with its indented content."""
        directive = DIRECTIVE.match(lines[place])
        start = EXPLICIT.match(lines[place])
        assert start is not None
        end, content = _indented(lines, place + 1, len(start[1]))
        if directive:
            self._directive(directive[2].rsplit(":", 1)[-1].lower(), directive[3], content)
        elif note := NOTE.match(start[2]):
            self.read([note[1], *content])
        elif not TARGET.match(start[2]):
            self.comments += bool(start[2].strip() or any(line.strip() for line in content))
        return end

    def _directive(self, name: str, head: str, content: list[str]) -> None:
        body = list(content)
        while body and OPTION.match(body[0]):
            body.pop(0)
        if name in CODE_DIRECTIVES:
            self.blocks.append(Block("code", "\n".join(body)))
        elif name == "math":
            self.formulas += 1
            formula = " ".join(" ".join([head, *body]).split())
            self.blocks.append(Block("prose", f"${formula}$"))
        elif name in PROSE_DIRECTIVES:
            self.pictures += name == "figure"
            first = [] if name == "figure" else [head] if head.strip() else []
            self.read([*first, *([""] if name in TITLED else []), *body])
        elif name in TABLES:
            self._table([line.strip(' *-"') for line in body])
        else:
            self.pictures += name in ("image", "graphviz", "plot")

    def _table(self, rows: Sequence[str]) -> None:
        self.blocks += [Block("row", self._words(row)) for row in rows if row]

    def _literal(self, lines: Sequence[str], place: int) -> int:
        while place < len(lines) and not lines[place].strip():
            place += 1
        indent = len(lines[place]) - len(lines[place].lstrip()) if place < len(lines) else 0
        if not indent:
            return place
        end, content = _indented(lines, place, indent - 1)
        self.blocks.append(Block("code", "\n".join(content)))
        return end

    def _text(self, line: str, paragraph: list[str]) -> None:
        item = ITEM.match(line)
        if TABLE_RULE.match(line):
            self._end(paragraph)
        elif item and not paragraph:
            paragraph.append(f"\u2022{item[2]}")
        elif item and paragraph[0].startswith("\u2022"):
            self._end(paragraph)
            paragraph.append(f"\u2022{item[2]}")
        elif line.strip().startswith(("| ", ">>>")):
            self._end(paragraph)
            if line.strip().startswith("|"):
                self._table(["; ".join(cell.strip() for cell in line.strip(" |").split("|"))])
        elif not OPTION.match(line):
            paragraph.append(line.strip())

    def _end(self, paragraph: list[str]) -> None:
        text = " ".join(paragraph)
        paragraph.clear()
        is_item = text.startswith("\u2022")
        text = re.sub(r"(?<=[.!?])::$|\s*::$", _colon, self._words(text.lstrip("\u2022")))
        if any(map(str.isalnum, text)):
            self.blocks.append(Block("item" if is_item else "prose", text))

    def _words(self, text: str) -> str:
        text = LITERAL.sub(r"\1", text)
        text = ROLE.sub(_role_words, text)
        text = STRONG.sub(lambda match: match[1] or match[2], text)
        return REFERENCE.sub(lambda match: match[1] or "", text).replace("\\ ", "").strip()

    def left_out(self) -> list[LeftOut]:
        """Return the report for a person."""
        return [
            *counted("comments", self.comments, "comment", "comments"),
            *counted("pictures", self.pictures, "picture", "pictures"),
        ]


def _colon(mark: re.Match[str]) -> str:
    """Return what stands for the two colons before code: none behind the end of a sentence."""
    before = mark.string[: mark.start()]
    return "" if before.endswith((".", "!", "?")) else ":"


def _role_words(match: re.Match[str]) -> str:
    text = match[1] or match[2] or match[3] or ""
    if match[0].startswith(":math:"):
        return f"${text}$"
    if text.isdigit() and (series := SERIES.match(match[0])):
        return f"{series[1].upper()} {text}"
    return re.sub(r"\s*<[^<>]*>$", "", text).lstrip("~!").strip()


def _indented(lines: Sequence[str], place: int, indent: int) -> tuple[int, list[str]]:
    """Return the place behind the lines that are indented more than this, and the lines."""
    end = place
    while end < len(lines):
        line = lines[end]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        end += 1
    content = list(lines[place:end])
    depth = min((len(line) - len(line.lstrip()) for line in content if line.strip()), default=0)
    return end, [line[depth:] for line in content]
