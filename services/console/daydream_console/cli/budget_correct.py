"""Correct what was spent, by a new entry."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console.cli.budget_change import change_budget
from daydream_console.cli.command import command
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import nanousd
from daydream_contracts.rpc import CorrectionEntry


@command
async def budget_correct(
    by: Annotated[
        float, typer.Option(help="Dollars spent in addition (negative: dollars not spent).")
    ],
    stage: Annotated[str, typer.Option(help="Stage to correct.")],
    model: Annotated[str, typer.Option(help="Model to correct.")],
    at: Annotated[
        datetime | None, typer.Option(help="Time of the spend (UTC). Default: now.")
    ] = None,
    attempt: Annotated[str, typer.Option(help="ID of the attempt to correct.")] = "",
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add a correction entry to the ledger. Existing entries stay unchanged.

    Examples:
        daydream budget correct --by 0.02 --stage critic --model gpt-4.1-mini --why "invoice of May"
    """
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    await change_budget(
        lambda: [
            CorrectionEntry(
                stage=stage, model=model, at=moment, by_nanousd=nanousd(by), attempt_id=attempt
            )
        ],
        who,
        why,
        data,
        as_json=as_json,
    )
