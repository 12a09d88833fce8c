"""Facts drawn at random from folders of other people, for a person to judge.

    python -m benchmarks.documents.real_folders --seed 7 /usr/share/doc /usr/share/man
    python -m benchmarks.documents.real_folders --seed 7 --removed /usr/share/doc

Each folder gives an equal part, and each document one fact, so that large ones do not hide the
others. What is hidden is left out, as an ingest does. `--removed` draws passages that the filter
took out instead, with the kind that it took them for.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.documents.labelled import CHARS_MAX
from daydream_memory.chunking import CHARS_MIN, texts_of
from daydream_memory.passage_filter import screen
from daydream_memory.reading import ReadResult, read_document
from daydream_memory.reading.word_lists import word_set

TEXTS = 100
DOCUMENT_BYTES_MAX = 120_000
PROGRAMS = word_set(".py .pyc .pyi .so .a .js .css .map .png .svg .whl")
Drawn = tuple[str, str, str]  # title, text, and the kind of what was removed


def drawn(folder: Path, count: int, seed: int, *, removed: bool) -> Iterator[tuple[Path, Drawn]]:
    """Yield one text of each of some documents, in an order by chance."""
    chance = random.Random(seed)
    files = sorted(_files(folder))
    chance.shuffle(files)
    for file in files:
        texts = _removed(file) if removed else _facts(file)
        if texts and count > 0:
            count -= 1
            yield file, chance.choice(texts)
        if count <= 0:
            return


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(place, name)
            if name.startswith(".") or file.suffix.lower() in PROGRAMS or file.is_symlink():
                continue
            if file.is_file() and file.stat().st_size < DOCUMENT_BYTES_MAX:
                yield file


def _read(file: Path) -> ReadResult:
    return read_document(file.read_bytes(), str(file))


def _facts(file: Path) -> list[Drawn]:
    facts = texts_of(_read(file), source=str(file), chars_max=CHARS_MAX).texts
    return [(fact.title, fact.text, "") for fact in facts]


def _removed(file: Path) -> list[Drawn]:
    read = _read(file)
    blocks = screen(read.passages, str(file), lines_are_items=bool(read.kind))
    return [
        (block.passage.title, block.text, block.junk)
        for block in blocks
        if block.junk and len(block.text) >= CHARS_MIN
    ]


def main() -> None:
    """Print the texts with numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--facts", type=int, default=TEXTS, help="number in all")
    parser.add_argument("--removed", action="store_true", help="draw what the filter took out")
    arguments = parser.parse_args()
    count = arguments.facts // len(arguments.folders)
    number = 0
    for folder in arguments.folders:
        texts = drawn(folder, count, arguments.seed, removed=arguments.removed)
        for file, (title, text, kind) in texts:
            number += 1
            mark = f" {kind}" if kind else ""
            sys.stdout.write(f"[{number}] {file}{mark}\n    {title}\n    {text}\n")


if __name__ == "__main__":
    main()
