"""The result as JSON and as Markdown."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from daydream_console.bench.outcome import BenchOutcome
from daydream_console.bench.record import BenchRecord
from daydream_console.bench.wording import COLUMNS, cells, headline, notes, reproduction


def as_json(outcome: BenchOutcome, record: BenchRecord) -> dict[str, Any]:
    """Return the result with all that it takes to run it again."""
    return {
        "headline": headline(outcome, record),
        "arms": [asdict(arm) for arm in outcome.arms],
        "matching_errors": asdict(outcome.errors) if outcome.errors else None,
        "excluded_bridges": list(outcome.excluded),
        "bridges": outcome.bridges,
        "decoys": outcome.decoys,
        "notes": outcome.notes,
        "toy": record.toy,
        "notional_dollars": record.notional,
        "reproduction": dict(reproduction(record)),
        "runs": [
            run.model_dump(mode="json", exclude={"daydreams"}) | {"daydreams": len(run.daydreams)}
            for run in record.runs
        ],
    }


def as_markdown(outcome: BenchOutcome, record: BenchRecord) -> str:
    """Return the result as a page that can be put into a pull request."""
    rows = [
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(cells(arm)) + " |" for arm in outcome.arms),
    ]
    details = [f"| {name} | {text} |" for name, text in reproduction(record)]
    return "\n".join(
        (
            f"# Benchmark of {record.model}",
            "",
            headline(outcome, record),
            "",
            *rows,
            "",
            *(f"- {line}" for line in notes(outcome, record)),
            "",
            "## To run it again",
            "",
            "| | |",
            "|---|---|",
            *details,
            "",
        )
    )
