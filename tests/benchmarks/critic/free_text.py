"""Scores that models wrote in prose, compared with what a person reads there.

A score is read right or refused, never read as another number.
"""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.figures import figure
from daydream_models.parsing import parse_score

FILE = "scores.csv"
LABEL = "score"


def measure(file: Path, *, quick: bool) -> None:
    """Print how many scores were read wrong, read right and refused."""
    wrong = right = refused = 0
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            text = (file.parent / row["file"]).read_text(encoding="utf-8")
            score = parse_score(text, LABEL, int(row["of"]))
            refused += score is None
            right += score == float(row["score"])
            wrong += score is not None and score != float(row["score"])
    figure("critic", "free_text_scores_wrong", [wrong], "evaluations", right=right, refused=refused)
