"""The public data: MOOSE-Chem's questions and papers with their joined pairs, and SciMuse's rated
ideas.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import openpyxl
from numpy.typing import NDArray

MOOSE_FILE = "chem_research_2024.xlsx"
SCIMUSE_FILE = "ratings.csv"
PUBLISHED = (
    f"{MOOSE_FILE} and Inspiration_Corpus_*.json from https://github.com/ZonglinY/MOOSE-Chem "
    f"(Data/, MIT), {SCIMUSE_FILE} from https://github.com/artificial-scientist-lab/SciMuse "
    "(data/, MIT; a pickle there)"
)
INTERESTING, LOWEST = 4, 1  # of 5


@dataclass(frozen=True)
class Joined:
    """Questions and papers as texts. `links`: which (question, paper) were joined, by position."""

    questions: Sequence[str]
    papers: Sequence[str]
    links: frozenset[tuple[int, int]]

    @property
    def pairs(self) -> int:
        """How many pairs of a question and a paper there are."""
        return len(self.questions) * len(self.papers)

    @property
    def links_per_question(self) -> NDArray[np.float64]:
        """How many joined papers each question has, shape (questions,)."""
        counts = Counter(question for question, _ in self.links)
        return np.array([counts[at] for at in range(len(self.questions))], float)


@dataclass(frozen=True)
class Work:
    """What a work asked, what was known before it, and which papers inspired it, by position."""

    question: str
    background: str
    inspirations: frozenset[int]


@dataclass(frozen=True)
class Rated:
    """Features of ideas, shape (ideas, features), and how a person rated each.

    `interesting` were rated 4 or 5, `lowest` 1.
    """

    features: NDArray[np.float64]
    interesting: NDArray[np.bool_]
    lowest: NDArray[np.bool_]

    def held_out(self) -> Rated:
        """Return the held-out half of the ideas: every second one."""
        return Rated(self.features[1::2], self.interesting[1::2], self.lowest[1::2])


def is_held_out(text: str) -> bool:
    """Return whether a question belongs to the held-out half. Choose parameters on the other
    one."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


def held_out(joined: Joined) -> Joined:
    """Return the held-out half of the questions, with all papers.

    The parameters of today were chosen on all of them, before there were halves."""
    kept = [at for at, text in enumerate(joined.questions) if is_held_out(text)]
    place = {question: at for at, question in enumerate(kept)}
    links = {(place[question], paper) for question, paper in joined.links if question in place}
    return Joined([joined.questions[at] for at in kept], joined.papers, frozenset(links))


def find(data: Path, name: str) -> Path | None:
    """Return a file of this folder or of a folder in it, or None."""
    return next(
        (file for file in (data / name, *sorted(data.glob(f"*/{name}"))) if file.is_file()), None
    )


def corpora(table: Path) -> list[Path]:
    """Return the corpora beside the table, the smallest first."""
    return sorted(
        table.parent.glob("Inspiration_Corpus_*.json"),
        key=lambda file: int("".join(filter(str.isdigit, file.stem)) or 0),
    )


def headline(table: Path) -> Path:
    """Return the corpus of 300 papers beside the table, or the largest one."""
    paths = corpora(table)
    return next((path for path in paths if path.stem.endswith("_300")), paths[-1])


def read_works(table: Path, corpus: Path) -> tuple[list[Work], list[str]]:
    """Read both files. Return the works that have a question, and the papers as texts.

    Titles are compared by letters and digits: case, spaces and dashes differ.
    """
    rows = openpyxl.load_workbook(table, read_only=True)["Overall"].iter_rows(values_only=True)
    columns = {str(name).strip(): at for at, name in enumerate(next(rows)) if name}
    papers = [(str(title), str(abstract)) for title, abstract in json.loads(corpus.read_text())]
    place = {_bare(title): at for at, (title, _) in enumerate(papers)}
    inspirations = [
        at
        for name, at in columns.items()
        if name.startswith("Inspiration paper") and name.endswith("title")
    ]
    works = []
    for row in rows:
        question, background = (
            _text(row[columns[f"{name} (strict)"]]) or _text(row[columns[name]])
            for name in ("Background Question", "Background Little Survey")
        )
        titles = {_bare(_text(row[at])) for at in inspirations}
        if question:
            known = frozenset(place[title] for title in titles if title in place)
            works.append(Work(question, background, known))
    return works, [f"{title}. {abstract}" for title, abstract in papers]


def read_joined(table: Path, corpus: Path) -> Joined:
    """Return the questions of the works and the papers, with which were joined."""
    works, papers = read_works(table, corpus)
    links = {(at, paper) for at, work in enumerate(works) for paper in work.inspirations}
    return Joined([work.question for work in works], papers, frozenset(links))


def read_rated(file: Path) -> Rated:
    """Read ideas. Replace features by ranks in standard deviations: some span six orders of
    magnitude.
    """
    with file.open(newline="") as lines:
        rows = [[float(cell or 0) for cell in row[1:]] for row in list(csv.reader(lines))[1:]]
    table = np.array(rows)
    ranks = table[:, 1:].argsort(axis=0).argsort(axis=0).astype(float)
    spread = ranks.std(axis=0)
    return Rated(
        (ranks - ranks.mean(axis=0)) / np.where(spread > 0, spread, 1.0),
        table[:, 0] >= INTERESTING,
        table[:, 0] == LOWEST,
    )


def all_pairs(joined: Joined) -> list[tuple[int, int]]:
    """Return every pair of a question and a paper."""
    return list(product(range(len(joined.questions)), range(len(joined.papers))))


def _text(cell: object) -> str:
    text = str(cell or "").strip()
    return "" if text in {"NA", "N/A"} else text


def _bare(title: str) -> str:
    return "".join(filter(str.isalnum, title.lower()))
