"""Judge the blocks of a whole document: each alone, then with its neighbours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from daydream_memory.passage_filter.blocks import NUMBER, TextBlock, blocks_of
from daydream_memory.passage_filter.features import TextFeatures, without_data
from daydream_memory.passage_filter.formulas import (
    FORMULAS,
    are_formulas,
    with_formulas,
    without_formulas,
)
from daydream_memory.passage_filter.lexicon import (
    is_change_document,
    load_lexicon,
    names_people,
)
from daydream_memory.passage_filter.neighbours import (
    LEADS_ON,
    with_leads,
    with_licence_gaps,
    without_open_leads,
    without_running_heads,
)
from daydream_memory.passage_filter.patterns import (
    begins_change,
    names_changes,
    names_licence,
    names_version,
    without_more_link,
)
from daydream_memory.passage_filter.rules import (
    CHANGES,
    CODE,
    ENCODED,
    FRAGMENTS,
    LICENCES,
    NUMBERS,
    SECTION_RULES,
    VERSIONS,
    first_kind,
    is_pager,
    is_plain_prose,
)
from daydream_memory.passage_filter.screened_block import ScreenedBlock
from daydream_memory.passage_filter.scripts import join_lines
from daydream_memory.passage_filter.statements import says_something
from daydream_memory.passage_filter.tables import row_sentences, table_sentences
from daydream_memory.reading import Passage

HEADING_CHARS_MAX = 80
# Of the blocks of a document whose name says what it is
DOCUMENT_KIND_SHARE_MIN = {LICENCES: 0.05, CHANGES: 0.1}
UNNAMED_SHARE_MIN = 0.5  # without such a name
HEAD_BLOCKS = 2
CHANGES_TITLE = re.compile(
    r"\brelease (?:notes|announcement)\b|\bchange ?log\b|\bnews for\b"
    r"|\b(?:change|revision|release|version) history\b"
    r"|\bchanges (?:between|since)\b",
    re.I,
)
CAPTION = re.compile(
    r"^(?:Table|Tab\.|Tabelle|Tableau|Tabla|Tabella|Таблица|表)\s*[\dIVX]*\b.{0,200}$"
)
PAGE_OF = re.compile(r" / page \d+$")  # a list of references may have several pages


def screen(
    passages: Sequence[Passage], source: str, *, lines_are_items: bool = False
) -> list[ScreenedBlock]:
    """Judge all blocks of a document, in their order. `source` gives the document's name.

    `lines_are_items`: see `blocks_of`. It is so in no passage with raw lines.
    """
    screening = _Screening(lines_are_items=lines_are_items)
    for passage in passages:
        screening.add(passage)
    blocks = with_licence_gaps(with_formulas(screening.blocks))
    kind = _document_kind(source, blocks)
    if kind:
        blocks = [replace(block, junk=block.junk or kind) for block in blocks]
    return with_leads(without_open_leads(without_running_heads(blocks)))


def _document_kind(source: str, blocks: Sequence[ScreenedBlock]) -> str:
    """Return the kind of junk that a whole document is, "" for a document with content.

    Its name or its first line says so, and enough of its blocks agree.
    """
    if is_change_document(source):
        return CHANGES
    if names_people(source):
        return FRAGMENTS
    kind = load_lexicon().document_kind(source)
    head = " ".join(part for block in blocks[:HEAD_BLOCKS] for part in (block.heading, block.text))
    says_changes = bool(CHANGES_TITLE.search(head[:HEADING_CHARS_MAX]))
    if kind == CHANGES and says_changes:
        return CHANGES
    if kind == CHANGES or (says_changes and not kind):
        entries = sum(block.junk == CHANGES or _begins_change(block) for block in blocks)
        return CHANGES if entries > DOCUMENT_KIND_SHARE_MIN[CHANGES] * len(blocks) else ""
    if kind:
        return kind if _has_share(kind, blocks, DOCUMENT_KIND_SHARE_MIN[kind]) else ""
    if _has_share(CHANGES, blocks, UNNAMED_SHARE_MIN):
        return CHANGES
    # a program whose comments are prose; what a format sets apart as code is none
    if not all(block.passage.has_raw_lines for block in blocks):
        return ""
    return CODE if _has_share(CODE, blocks, UNNAMED_SHARE_MIN) else ""


def _begins_change(block: ScreenedBlock) -> bool:
    return any(map(begins_change, block.sentences or (block.text,)))


def _has_share(kind: str, blocks: Sequence[ScreenedBlock], share: float) -> bool:
    return sum(block.junk == kind for block in blocks) > share * len(blocks)


class _Screening:
    """Goes through a document, and remembers the section that it is in."""

    def __init__(self, *, lines_are_items: bool) -> None:
        self._lines_are_items = lines_are_items
        self.blocks: list[ScreenedBlock] = []
        self._lexicon = load_lexicon()
        self._is_licence = False
        self._section = self._title_section = self._heading = self._caption = ""
        self._title = ""

    def add(self, passage: Passage) -> None:
        """Judge the blocks of the next passage."""
        self._title_section = self._lexicon.section_kind(passage.title)
        if not self._title_section and names_version(passage.title):
            self._title_section = CHANGES if names_changes(passage.title) else VERSIONS
        self._is_licence = names_licence(passage.title)
        title = PAGE_OF.sub("", passage.title)
        if self._title_section or title != self._title:  # a line that was no heading ends here
            self._section = ""
        self._title = title
        self._heading = ""
        if passage.kind == "table":
            self._add_table(passage)
            return
        for block in blocks_of(
            passage.text,
            self._is_section,
            lines_are_items=self._lines_are_items and not passage.has_raw_lines,
        ):
            text = without_more_link(block.text)
            if self._is_section(text):
                self._section, self._heading = self._lexicon.section_kind(text), ""
                continue
            self.blocks.append(self._judge(passage, block, text))

    def _add_table(self, passage: Passage) -> None:
        """Judge the rows of a table that a reader has written as words."""
        lines = [line.strip() for line in passage.text.splitlines() if line.strip()]
        if lines and CAPTION.match(lines[0]):
            self._caption = lines.pop(0)
        caption, self._caption = self._caption, ""
        for line in lines:
            rows = tuple(row_sentences([line], caption))
            junk = NUMBERS if not rows else "navigation" if is_pager(line) else ""
            self.blocks.append(ScreenedBlock(passage, rows[0] if rows else line, rows, junk))

    def _is_section(self, line: str) -> bool:
        short = len(line) < HEADING_CHARS_MAX and line[-1:] not in ".,;)"
        return short and bool(self._lexicon.section_kind(line))

    def _judge(self, passage: Passage, block: TextBlock, text: str) -> ScreenedBlock:
        caption, self._caption = self._caption, ""
        if block.kind == "table":
            rows = tuple(table_sentences(block.lines, caption))
            return ScreenedBlock(passage, " ".join(rows) or text, rows, "" if rows else NUMBERS)
        features = _measure(block, text)
        without = without_data(text, text.split() if features.is_list else features.tokens)
        if without != text:
            text, junk = self._around_data(text, without)
        else:
            junk = self._junk(passage, block, features)
        if junk == FRAGMENTS:
            self._note_fragment(text)
        sentences = block.lines if block.kind == "list" else ()
        return ScreenedBlock(passage, text, sentences, junk, self._heading)

    def _junk(self, passage: Passage, block: TextBlock, features: TextFeatures) -> str:
        if "code" in (passage.kind, block.kind) and not is_plain_prose(features):
            return CODE
        if self._is_licence:
            return LICENCES
        if are_formulas(block.text):
            return FORMULAS
        section = self._title_section or self._section
        rule = SECTION_RULES.get(section)
        if rule is not None and rule(features):
            return CHANGES if section == VERSIONS else section
        return first_kind(features) or ("" if says_something(features) else FRAGMENTS)

    def _around_data(self, text: str, rest: str) -> tuple[str, str]:
        """Keep what a block says besides its encoded data."""
        features = TextFeatures(rest, (rest,), self._lexicon)
        if says_something(features) and not first_kind(features):
            return join_lines(rest), ""
        return text, ENCODED

    def _note_fragment(self, text: str) -> None:
        """Take a short line for the heading or the caption of what follows."""
        if CAPTION.match(text):
            self._caption = text.rstrip(".:")
        elif len(text) < HEADING_CHARS_MAX and not text.endswith(LEADS_ON):
            self._heading, self._section = text, ""


def _measure(block: TextBlock, text: str) -> TextFeatures:
    """Measure a block. The numbers of a list are no part of its text, but of its items."""
    lines = block.lines
    if "$" in text:
        lines = tuple(map(without_formulas, lines))
        text = without_formulas(text)
    if block.kind == "list":
        text = " ".join(NUMBER.sub("", item) for item in lines)
    return TextFeatures(text, lines, load_lexicon(), block.kind == "list")
