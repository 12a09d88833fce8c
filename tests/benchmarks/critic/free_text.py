"""Scores that models wrote in prose, against what a person reads there: right or refused, never another number."""

from __future__ import annotations

import csv
from pathlib import Path

from benchmarks.figures import figure
from daydream_models.parsing import parse_score

FILE = "scores.csv"
LABEL = "score"


def measure(file: Path, *, quick: bool) -> None:
    """Print how many were read wrong, read right and refused."""
    wrong = right = refused = 0
    with file.open(newline="") as rows:
        for row in csv.DictReader(rows):
            found = parse_score(
                (file.parent / row["file"]).read_text(encoding="utf-8"), LABEL, int(row["of"])
            )
            refused += found is None
            right += found == float(row["score"])
            wrong += found is not None and found != float(row["score"])
    figure("critic", "free_text_scores_wrong", [wrong], "evaluations", right=right, refused=refused)
