"""Options that choose insights."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console.moments import FORMS, read_moment

Since = Annotated[
    str, typer.Option("--since", help=f"Found at or after this time: {FORMS}.", show_default=False)
]
Until = Annotated[str, typer.Option("--until", help="Found before this time.", show_default=False)]
Strategies = Annotated[
    list[str] | None,
    typer.Option("--strategy", help="Strategy that drew the pair. Repeatable. Default: all."),
]
Kinds = Annotated[
    list[str] | None,
    typer.Option("--kind", help="Kind of link, e.g. analogy. Repeatable. Default: all."),
]
Teams = Annotated[
    list[str] | None,
    typer.Option("--team", help="Team that owns a fact of it. Repeatable. Default: all."),
]
MinScore = Annotated[
    float | None,
    typer.Option("--min-score", min=0, max=10, help="Minimum mean score of the judges, 1 to 10."),
]
MinWorth = Annotated[
    float | None,
    typer.Option("--min-worth", min=0, max=1, help="Minimum probability of a hit, 0 to 1."),
]


def moment_or_none(text: str) -> datetime | None:
    """Return the time that an option names, or None for an empty option."""
    return read_moment(text, datetime.now(UTC)) if text else None
