"""`daydream budget`: the cap, and what counts against it."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from daydream_console.cli import output
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_json
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_shared.failures import WrongSetting
from daydream_shared.messages import NANOUSD_PER_USD
from daydream_shared.requests import Nothing, SetLimit, Window
from daydream_shared.subjects import BUDGET_LIMIT, BUDGET_STATE


def budget_show(data: Data = None, as_json: Json = False) -> None:
    """Limits, and what is spent, by stage and model."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            state = await client.ask(BUDGET_STATE, Nothing())
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            output.show_budget(state)

    perform(work, as_json=as_json)


def budget_set(
    lifetime: Annotated[float | None, typer.Option(min=0, help="Dollars that may be spent in all, ever.")] = None,
    daily: Annotated[float | None, typer.Option(min=0, help="Dollars that may be spent on a day.")] = None,
    remove: Annotated[str | None, typer.Option(help="Remove a cap: lifetime or day.")] = None,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set, change or remove a cap, also while it runs. Every change is an entry of the ledger."""

    async def work() -> None:
        changes: list[tuple[Window, int | None]] = []
        if lifetime is not None:
            changes.append(("lifetime", round(lifetime * NANOUSD_PER_USD)))
        if daily is not None:
            changes.append(("day", round(daily * NANOUSD_PER_USD)))
        if remove in ("lifetime", "day"):
            changes.append((remove, None))  # type: ignore[arg-type]
        elif remove is not None:
            raise WrongSetting(f"there is no limit {remove}", "Remove lifetime or day")
        if not changes:
            raise WrongSetting("nothing to set", "Give --lifetime, --daily or --remove")
        async with reading(data or default_folder()) as client:
            for window, cap in changes:
                state = await client.ask(BUDGET_LIMIT, SetLimit(change_id=uuid4().hex, window=window, cap_nanousd=cap, who=who or "unknown", why=why))
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            output.show_budget(state)

    perform(work, as_json=as_json)
