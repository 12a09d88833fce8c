"""Options that choose insights."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from daydream_console.first_fault import first_fault
from daydream_console.moments import FORMS, read_moment
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import InsightQuery

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


def query_of(**fields: Any) -> InsightQuery:
    """Return the query. Raise ConfigurationError that names the field with an invalid value."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        return InsightQuery.model_validate(given)
    except ValidationError as error:
        raise ConfigurationError(
            first_fault(error), "See the values: daydream insights --help"
        ) from None
