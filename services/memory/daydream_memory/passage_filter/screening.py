"""Judge the blocks of a whole document: each alone, then with its neighbours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import PurePath

from daydream_memory.passage_filter.blocks import NUMBER, TextBlock, blocks_of
from daydream_memory.passage_filter.features import TextFeatures, without_data
from daydream_memory.passage_filter.lexicon import load_lexicon
from daydream_memory.passage_filter.patterns import names_licence, names_version
from daydream_memory.passage_filter.rules import (
    CHANGES,
    CODE,
    ENCODED,
    FRAGMENTS,
    LICENCES,
    NUMBERS,
    REPETITION,
    SECTION_RULES,
    VERSIONS,
    first_kind,
    has_licence_word,
    is_plain_prose,
    says_something,
)
from daydream_memory.passage_filter.scripts import join_lines, join_sentences
from daydream_memory.passage_filter.tables import row_sentences, table_sentences
from daydream_memory.reading import Passage

RUNNING_TIMES_MIN = 3  # a short block that stands this often in a document is a running head
RUNNING_CHARS_MAX = 240
LICENCE_GAP_MAX = 3  # blocks between two licence blocks that belong to the licence
HEADING_CHARS_MAX = 80
# Of the blocks of a document whose name says what it is
DOCUMENT_KIND_SHARE_MIN = {LICENCES: 0.05, CHANGES: 0.2, FRAGMENTS: 0.3, CODE: 0.5}
HEAD_BLOCKS = 2
CHANGES_TITLE = re.compile(r"\brelease notes\b|\bchange ?log\b|\bnews for\b", re.I)
CAPTION = re.compile(
    r"^(?:Table|Tab\.|Tabelle|Tableau|Tabla|Tabella|Таблица|表)\s*[\dIVX]*\b.{0,200}$"
)
PAGE_OF = re.compile(r" / page \d+$")  # a list of references may have several pages
SENTENCE_MARKS = (".", "!", "?", "。", "！", "？", "।")
LEADS_ON = (":", "：")


@dataclass(frozen=True)
class ScreenedBlock:
    """A block with its judgement.

    `sentences`: the rows of a table or the items of a list, empty for a paragraph. `junk`: the kind
    of junk that it is, "" for content. `heading`: a line above it that is no heading by its format.
    """

    passage: Passage
    text: str
    sentences: tuple[str, ...] = ()
    junk: str = ""
    heading: str = ""


def screen(
    passages: Sequence[Passage], source: str, *, lines_are_items: bool = False
) -> list[ScreenedBlock]:
    """Judge all blocks of a document, in their order. `source` gives the document's name.

    `lines_are_items`: see `blocks_of`. It is so in no passage with raw lines.
    """
    screening = _Screening(lines_are_items=lines_are_items)
    for passage in passages:
        screening.add(passage)
    blocks = _with_licence_gaps(screening.blocks)
    kind = _document_kind(PurePath(source).name, blocks)
    if kind:
        blocks = [replace(block, junk=block.junk or kind) for block in blocks]
    return _with_leads(_without_running_heads(blocks))


def _document_kind(name: str, blocks: Sequence[ScreenedBlock]) -> str:
    """Return the kind of junk that a whole document is, "" for a document with content.

    Its name or its first line says so, and enough of its blocks agree.
    """
    kind = load_lexicon().document_kind(name)
    head = " ".join(part for block in blocks[:HEAD_BLOCKS] for part in (block.heading, block.text))
    if not kind and CHANGES_TITLE.search(head[:HEADING_CHARS_MAX]):
        return CHANGES
    if not kind:
        kind = CODE  # a program whose comments are prose; set code apart in a text is none
        blocks = [block for block in blocks if block.passage.kind != "code"]
    of_kind = sum(block.junk == kind for block in blocks)
    return kind if of_kind > DOCUMENT_KIND_SHARE_MIN[kind] * len(blocks) else ""


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
            self._title_section = VERSIONS
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
            text = block.text
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
            junk = "" if rows else NUMBERS
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
    if block.kind == "list":
        text = " ".join(NUMBER.sub("", item) for item in block.lines)
    return TextFeatures(text, block.lines, load_lexicon(), block.kind == "list")


def _with_licence_gaps(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Give a few blocks between two licence blocks to the licence, if they sound like it."""
    licences = [at for at, block in enumerate(blocks) if block.junk == LICENCES]
    result = list(blocks)
    for before, after in pairwise(licences):
        if after - before - 1 > LICENCE_GAP_MAX:
            continue
        for at in range(before + 1, after):
            if not blocks[at].junk and has_licence_word(blocks[at].text):
                result[at] = replace(blocks[at], junk=LICENCES)
    return result


def _without_running_heads(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Remove what stands again and again. Sentences stay where they stand first."""
    times = Counter(block.text for block in blocks if len(block.text) <= RUNNING_CHARS_MAX)
    seen: set[str] = set()
    result = []
    for block in blocks:
        repeated = times[block.text] >= RUNNING_TIMES_MIN and not block.junk
        again = block.text in seen or not block.text.endswith(SENTENCE_MARKS)
        result.append(replace(block, junk=REPETITION) if repeated and again else block)
        seen.add(block.text)
    return result


def _with_leads(blocks: list[ScreenedBlock]) -> list[ScreenedBlock]:
    """Join a fragment that leads on, such as "Materials:", with the block after it."""
    return list(_joined(blocks))


def _joined(blocks: list[ScreenedBlock]) -> Iterator[ScreenedBlock]:
    lead: ScreenedBlock | None = None
    for block in blocks:
        if lead is not None and (
            block.junk not in ("", FRAGMENTS) or block.passage is not lead.passage
        ):
            yield lead
            lead = None
        if block.junk == FRAGMENTS and block.text.endswith(LEADS_ON):
            if lead is not None:
                yield lead
            lead = block
        elif lead is not None and not block.junk:
            sentences = (lead.text, *block.sentences) if block.sentences else ()
            yield replace(block, text=join_sentences(lead.text, block.text), sentences=sentences)
            lead = None
        else:
            yield block
    if lead is not None:
        yield lead
