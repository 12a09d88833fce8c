"""Passages to facts: what the passage filter lets through, in pieces of whole sentences.

A piece holds neighbouring blocks of one passage, up to a maximum length. A sentence is cut only if
it is longer than that alone. A text is too short for a fact below 40 Latin characters, or as few of
another script as say as much.

The same text is the same fact in every document: its id derives from the `fingerprint` of the text,
and from its team and clearance if it has any. The id of a question derives from its exact words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import PurePath

from semchunk.semchunk import chunk

from daydream_contracts.events import FactKind
from daydream_memory.passage_filter import ScreenedBlock, screen
from daydream_memory.passage_filter.removals import removals
from daydream_memory.passage_filter.scripts import join_sentences, latin_length
from daydream_memory.passage_filter.sentences import split_sentences
from daydream_memory.reading import DocumentMetadata, LeftOut, Passage, ReadResult

CHARS_MIN = 40  # Latin characters; shorter pieces are headings, page numbers and fragments
BLOCK_CHARS = 60_000
SPACE = " "
QUESTION = Passage("", metadata=DocumentMetadata(domain=FactKind.QUESTION.value))


@dataclass(frozen=True)
class FactText:
    """The text of a fact, with its title, and the passage that it is from."""

    text: str
    title: str
    passage: Passage


@dataclass(frozen=True)
class DocumentTexts:
    """What becomes facts, in its order, and what gave none, by its reader or the filter."""

    texts: tuple[FactText, ...]
    left_out: tuple[LeftOut, ...] = ()


def texts_of(
    result: ReadResult, *, source: str, chars_max: int, kind: FactKind = FactKind.DOCUMENT
) -> DocumentTexts:
    """Return the texts of a document that become facts.

    A question is one fact, however short, without the filter and a title. A fact without a heading
    above it has the document's name as its title.
    """
    if kind is FactKind.QUESTION:
        text = _tidy(SPACE.join(passage.text for passage in result.passages))[:chars_max]
        return DocumentTexts((FactText(text, "", QUESTION),), result.left_out)
    screened = screen(result.passages, source, lines_are_items=bool(result.kind))
    pieces, short = _pieces(screened, chars_max, PurePath(source).stem)
    return DocumentTexts(tuple(pieces), (*result.left_out, *removals(screened, short)))


def _pieces(
    screened: list[ScreenedBlock], chars_max: int, name: str
) -> tuple[list[FactText], list[str]]:
    """Return the texts that become facts, and those that are too short."""
    pieces: list[FactText] = []
    short: list[str] = []
    content = [block for block in screened if not block.junk]
    for (_, heading), group in groupby(
        content, key=lambda block: (id(block.passage), block.heading)
    ):
        blocks = list(group)
        passage = blocks[0].passage
        for text in _packed(blocks, chars_max):
            if latin_length(text) < CHARS_MIN:
                short.append(text)
            else:
                pieces.append(FactText(text, passage.title or heading or name, passage))
    return pieces, short


def _packed(blocks: Iterable[ScreenedBlock], chars_max: int) -> list[str]:
    """Join blocks and sentences to pieces, as long as they may be.

    A last piece that is too short alone gets the last sentence of the piece before it.
    """
    pieces: list[list[str]] = [[]]
    length = 0
    for sentences in (_sentences(block, chars_max) for block in blocks):
        whole = sum(map(len, sentences)) + len(sentences)
        if length and length + whole > chars_max and 2 * length >= chars_max:
            pieces.append([])
            length = 0
        for sentence in sentences:
            if length and length + len(sentence) > chars_max:
                pieces.append([])
                length = 0
            pieces[-1].append(sentence)
            length += len(sentence) + 1
    _lengthen_last(pieces, chars_max)
    return [text for text in (_joined(piece) for piece in pieces) if text]


def _lengthen_last(pieces: list[list[str]], chars_max: int) -> None:
    if len(pieces) < 2 or latin_length(_joined(pieces[-1])) >= CHARS_MIN:
        return
    before = pieces[-2]
    while len(before) > 1 and latin_length(_joined(pieces[-1])) < CHARS_MIN:
        if len(before[-1]) + len(_joined(pieces[-1])) >= chars_max:
            return
        pieces[-1].insert(0, before.pop())


def _joined(sentences: Iterable[str]) -> str:
    text = ""
    parts = []
    for sentence in sentences:
        # only the last character before and the first after decide about the blank
        parts.append(join_sentences(text[-1:], sentence)[len(text[-1:]) :])
        text = sentence
    return "".join(parts)


def _sentences(block: ScreenedBlock, chars_max: int) -> list[str]:
    parts = _items(block.sentences) if block.sentences else [block.text]
    whole = (sentence for part in parts for sentence in split_sentences(_tidy(part)))
    return [piece for sentence in whole for piece in _cut(sentence, chars_max)]


def _items(items: tuple[str, ...]) -> list[str]:
    """Put a mark between the items of a list that end with none."""
    return [item if item == items[-1] or not item[-1:].isalnum() else f"{item};" for item in items]


def _cut(sentence: str, chars_max: int) -> Iterator[str]:
    """Cut a sentence that is longer than a fact may be, where it allows that best."""
    if len(sentence) <= chars_max:
        yield sentence
        return
    for start in range(0, len(sentence), BLOCK_CHARS):  # keeps the work linear
        part = sentence[start : start + BLOCK_CHARS]
        yield from map(str, chunk(part, chunk_size=chars_max, token_counter=len, memoize=False))


def _tidy(text: str) -> str:
    """Fold white space. JSON may hold half of a surrogate pair, which no encoding can write."""
    line = SPACE.join(text.split())
    return line if line.isascii() else line.encode("utf-8", "replace").decode()
