"""The notes that every arm reads, and what is true of them.

A bridge is two notes with a true link that needs both. Its filler has the shape of the second note
and nothing to do with the first. A decoy is two notes that share a word with two meanings. Plain
notes have no part in any link that was written for this corpus.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from daydream_contracts.errors import ConfigurationError

PACKAGE = "daydream_console.bench"
FILES = ("bridges.toml", "decoys.toml", "plain.toml", "matches.toml")
NOTE_ID_CHARS = 10


@dataclass(frozen=True)
class BenchNote:
    """A note. Its id is a digest, so that neither a name nor an order tells what it is."""

    text: str
    domain: str = ""

    @property
    def note_id(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()[:NOTE_ID_CHARS]


@dataclass(frozen=True)
class BenchPair:
    """Two notes: a bridge with its true link and its filler, or a decoy with neither."""

    name: str
    first: BenchNote
    second: BenchNote
    link: str = ""
    filler: str = ""

    @property
    def note_ids(self) -> frozenset[str]:
        return frozenset((self.first.note_id, self.second.note_id))


@dataclass(frozen=True)
class LabelledMatch:
    """A hypothesis of which a person said whether it states the link of a bridge."""

    bridge: str
    hypothesis: str
    same: bool


@dataclass(frozen=True)
class BenchCorpus:
    """All of it. `digest` changes with every word."""

    bridges: Sequence[BenchPair]
    decoys: Sequence[BenchPair]
    plain: Sequence[BenchNote]
    matches: Sequence[LabelledMatch]
    digest: str

    @cached_property
    def bridge_by_name(self) -> dict[str, BenchPair]:
        return {bridge.name: bridge for bridge in self.bridges}

    def first(self, pairs: int) -> BenchCorpus:
        """Return its first bridges and decoys, this many of each; all of them for 0.

        The digest stays: it says which corpus it is a part of.
        """
        if not pairs:
            return self
        bridges = self.bridges[:pairs]
        names = {bridge.name for bridge in bridges}
        return replace(
            self,
            bridges=bridges,
            decoys=self.decoys[:pairs],
            matches=[match for match in self.matches if match.bridge in names],
        )

    def notes(self, plain: int) -> list[BenchNote]:
        """Return the notes of a memory: bridges, fillers, decoys, and a number of plain notes.

        The order is that of their ids, so it says nothing. Nor does a length: fillers have that of
        bridges.
        """
        pairs = (*self.bridges, *self.decoys)
        notes = [note for pair in pairs for note in (pair.first, pair.second)]
        notes += [BenchNote(bridge.filler) for bridge in self.bridges]
        return sorted((*notes, *self._plain(plain)), key=lambda note: note.note_id)

    def _plain(self, count: int) -> list[BenchNote]:
        """Return the plain notes with the lowest ids, which are of all domains."""
        return sorted(self.plain, key=lambda note: note.note_id)[:count]


@cache
def load_corpus(folder: Path | None = None) -> BenchCorpus:
    """Read the corpus of a folder, or the bundled one.

    Raise ConfigurationError for a folder whose four files can't be read.
    """
    source = folder or files(PACKAGE) / "corpus"
    try:
        return _parsed([(source / name).read_text("utf-8") for name in FILES])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"The corpus {folder} can't be read: {error!r}",
            f"It needs {', '.join(FILES)}, as the bundled one has them",
        ) from None


def _parsed(texts: Sequence[str]) -> BenchCorpus:
    bridges, decoys, plain, matches = map(tomllib.loads, texts)
    return BenchCorpus(
        bridges=[_bridge(table) for table in bridges["bridge"]],
        decoys=[_decoy(table) for table in decoys.get("decoy", ())],
        plain=[BenchNote(text, domain) for domain, notes in plain.items() for text in notes],
        matches=[LabelledMatch(**table) for table in matches["match"]],
        digest=hashlib.sha256("\0".join(texts).encode()).hexdigest(),
    )


def write_notes(folder: Path, notes: Sequence[BenchNote]) -> list[Path]:
    """Write each note into a separate document, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    return list(_written(folder, notes))


def _written(folder: Path, notes: Sequence[BenchNote]) -> Iterator[Path]:
    for note in notes:
        file = folder / f"{note.note_id}.txt"
        file.write_text(note.text, "utf-8")
        yield file


def _bridge(table: dict[str, Any]) -> BenchPair:
    return BenchPair(
        table["name"],
        BenchNote(table["first"], table["field"]),
        BenchNote(table["second"], table["other_field"]),
        table["gold"],
        table["filler"],
    )


def _decoy(table: dict[str, Any]) -> BenchPair:
    return BenchPair(table["shared"], BenchNote(table["first"]), BenchNote(table["second"]))
