"""A block of a document with its judgement."""

from __future__ import annotations

from dataclasses import dataclass

from daydream_memory.reading import Passage


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
