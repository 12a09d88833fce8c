"""Show and change spending limits. The ledger records each change with who and why."""

from __future__ import annotations

from typing import Annotated, cast, get_args

import typer

from daydream_console.cli.budget_change import change_budget, show_state
from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import nanousd
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import (
    Change,
    EmptyRequest,
    Pause,
    RemoveLimit,
    SetLimit,
    SetTax,
    SetZone,
    TopUp,
    Window,
)
from daydream_contracts.topology import BUDGET_STATE

Scope = Annotated[
    str,
    typer.Option(
        help="Scope: all, stage:NAME, model:NAME, team:NAME, purpose:NAME, foreground or key:ID."
    ),
]
WindowName = Annotated[str, typer.Option(help="Window: hour, day, week, month or lifetime.")]
WINDOWS = get_args(Window)


@command
async def budget_show(data: Data = None, as_json: Json = False) -> None:
    """Show limits, the tax, and spend by stage and model.

    Examples:
        daydream budget show
    """
    async with connection(data) as client:
        state = await client.rpc.request(BUDGET_STATE, EmptyRequest())
    show_state(state, as_json=as_json)


@command
async def budget_set(
    lifetime: Annotated[
        float | None, typer.Option(min=0, help="Total cap in dollars, for all time.")
    ] = None,
    daily: Annotated[float | None, typer.Option(min=0, help="Cap per day in dollars.")] = None,
    cap: Annotated[
        float | None, typer.Option(min=0, help="Cap in dollars for --scope and --window.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, help="Cap as a share of the cap on everything, e.g. 0.3 (not with --cap)."
        ),
    ] = None,
    scope: Scope = "all",
    window: WindowName = "day",
    soft: Annotated[
        str, typer.Option(help="Shares of the cap that raise an alert, comma-separated.")
    ] = "0.8,0.95",
    warn_only: Annotated[
        bool, typer.Option("--warn-only", help="Raise alerts but refuse nothing.")
    ] = False,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set or change limits, also while daydream is running.

    Examples:
        daydream budget set --lifetime 100 --daily 5
        daydream budget set --scope stage:critic --window day --cap 0.50 --why pilot
    """

    def limits() -> list[Change]:
        alerts, hard = _shares(soft), not warn_only
        changes: list[Change] = [
            SetLimit(window=name, cap_nanousd=nanousd(dollars), soft=alerts, hard=hard)
            for name, dollars in (("lifetime", lifetime), ("day", daily))
            if dollars is not None
        ]
        if cap is not None or share is not None:
            amount = None if cap is None else nanousd(cap)
            limit = SetLimit(
                scope=scope,
                window=_window(window),
                cap_nanousd=amount,
                share=share,
                soft=alerts,
                hard=hard,
            )
            changes.append(limit)
        if not changes:
            raise ConfigurationError("Nothing to set", "Pass --lifetime, --daily, --cap or --share")
        return changes

    await change_budget(limits, who, why, data, as_json=as_json)


@command
async def budget_unset(
    scope: Scope = "all",
    window: WindowName = "day",
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Remove the limit of a scope and window.

    Examples:
        daydream budget unset --scope stage:critic --window day
    """
    await change_budget(
        lambda: [RemoveLimit(scope=scope, window=_window(window))], who, why, data, as_json=as_json
    )


@command
async def budget_tax(
    ratio: Annotated[
        str, typer.Argument(help="Maximum of daydream spend over foreground spend, or 'none'.")
    ],
    days: Annotated[int, typer.Option(min=1, max=60, help="Rolling window in days.")] = 7,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Cap the daydreaming tax, or remove its cap with 'none'.

    Examples:
        daydream budget tax 20
        daydream budget tax none
    """
    await change_budget(
        lambda: [SetTax(ratio=None if ratio == "none" else _number(ratio), days=days)],
        who,
        why,
        data,
        as_json=as_json,
    )


@command
async def budget_zone(
    zone: Annotated[str, typer.Argument(help="Time zone, e.g. Europe/Zurich.")],
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set the time zone in which hours, days, weeks and months begin.

    Examples:
        daydream budget zone Europe/Zurich
    """
    await change_budget(lambda: [SetZone(zone=zone)], who, why, data, as_json=as_json)


@command
async def budget_top_up(
    dollars: Annotated[float, typer.Argument(help="Dollars to add (negative: to subtract).")],
    scope: Scope = "all",
    window: WindowName = "lifetime",
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Raise a cap by an amount.

    Examples:
        daydream budget top-up 10 --why "second week"
    """
    await change_budget(
        lambda: [TopUp(scope=scope, window=_window(window), by_nanousd=nanousd(dollars))],
        who,
        why,
        data,
        as_json=as_json,
    )


@command
async def budget_pause(
    who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Stop all paid calls until 'daydream budget resume'. Calls in progress finish.

    Examples:
        daydream budget pause --why "checking the results"
    """
    await change_budget(lambda: [Pause(paused=True)], who, why, data, as_json=as_json)


@command
async def budget_resume(
    who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Allow paid calls again after a pause.

    Examples:
        daydream budget resume
    """
    await change_budget(lambda: [Pause(paused=False)], who, why, data, as_json=as_json)


def _window(name: str) -> Window:
    if name in WINDOWS:
        return cast(Window, name)
    raise ConfigurationError(f"Unknown window: {name}", f"Use one of {', '.join(WINDOWS)}")


def _shares(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in text.split(",") if part.strip())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is not a number", "Write it like 0.8") from None
