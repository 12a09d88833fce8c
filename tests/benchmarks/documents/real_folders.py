"""Facts drawn at random from folders of other people, for a person to judge.

    python -m benchmarks.documents.real_folders --seed 7 /usr/share/doc /usr/share/man

Each folder gives an equal part.  A document gives two facts at most, so that large ones do not hide
the others, and a fact that several documents hold counts once, as in the memory. What is hidden is
left out, as an ingest does.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.documents.labelled import CHARS_MAX
from daydream_memory.chunking import FactText, texts_of
from daydream_memory.reading import read_document
from daydream_memory.reading.word_lists import word_set

FACTS, DOCUMENTS_PER_FACT, FACTS_PER_DOCUMENT = 100, 3, 2
DOCUMENT_BYTES_MAX = 400_000
PROGRAMS = word_set(".py .pyc .pyi .so .a .js .css .map .png .svg .whl")


def drawn(folders: list[Path], facts: int, seed: int) -> Iterator[tuple[Path, FactText]]:
    """Yield facts with their documents, as many from each folder."""
    chance = random.Random(seed)
    for folder in folders:
        files = sorted(_files(folder))
        wanted = facts // len(folders)
        chosen = chance.sample(files, min(len(files), DOCUMENTS_PER_FACT * wanted))
        held: dict[str, tuple[Path, FactText]] = {}
        for file in chosen:
            read = _facts(file)
            for fact in chance.sample(read, min(len(read), FACTS_PER_DOCUMENT)):
                held[fact.text] = file, fact
        pool = list(held.values())
        yield from chance.sample(pool, min(len(pool), wanted))


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(place, name)
            if name.startswith(".") or file.suffix.lower() in PROGRAMS or file.is_symlink():
                continue
            if file.is_file() and file.stat().st_size <= DOCUMENT_BYTES_MAX:
                yield file


def _facts(file: Path) -> list[FactText]:
    source = str(file)
    result = read_document(file.read_bytes(), source)
    return list(texts_of(result, source=source, chars_max=CHARS_MAX).texts)


def main() -> None:
    """Print the facts with numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--facts", type=int, default=FACTS)
    arguments = parser.parse_args()
    facts = drawn(arguments.folders, arguments.facts, arguments.seed)
    for number, (file, fact) in enumerate(facts, 1):
        sys.stdout.write(f"[{number}] {file}\n    {fact.title}\n    {fact.text}\n")


if __name__ == "__main__":
    main()
