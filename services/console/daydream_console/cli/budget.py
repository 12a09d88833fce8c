"""`daydream budget`: limits and what counts against them; every change is an entry of the ledger with who and why."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, cast, get_args
from uuid import uuid4

import typer
from pydantic import ValidationError

from daydream_console.cli import output
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_json
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import (
    Change,
    ChangeBudget,
    CorrectionEntry,
    EmptyRequest,
    Pause,
    RemoveLimit,
    SetLimit,
    SetTax,
    SetZone,
    TopUp,
    Window,
)
from daydream_contracts.topology import BUDGET_CHANGE, BUDGET_STATE

ScopeOption = Annotated[
    str, typer.Option(help="all, stage:NAME, model:NAME, team:NAME or purpose:NAME.")
]
WindowOption = Annotated[str, typer.Option(help="hour, day, week, month or lifetime.")]
WINDOWS = get_args(Window)


def budget_show(data: Data = None, as_json: Json = False) -> None:
    """Limits, the tax, and what is spent, by stage and model."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            state = await client.ask(BUDGET_STATE, EmptyRequest())
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            output.show_budget(state)

    perform(work, as_json=as_json)


def budget_set(
    lifetime: Annotated[
        float | None, typer.Option(min=0, help="Dollars that may be spent in all, ever.")
    ] = None,
    daily: Annotated[
        float | None, typer.Option(min=0, help="Dollars that may be spent on a day.")
    ] = None,
    scope: ScopeOption = "all",
    window: WindowOption = "day",
    cap: Annotated[
        float | None, typer.Option(min=0, help="Dollars for --scope and --window.")
    ] = None,
    share: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Instead of --cap: a share of the cap on everything in that window, e.g. 0.3.",
        ),
    ] = None,
    soft: Annotated[
        str, typer.Option(help="Shares of the cap at which an alert is raised.")
    ] = "0.8,0.95",
    warn_only: Annotated[
        bool, typer.Option("--warn-only", help="Raise alerts, refuse nothing.")
    ] = False,
    remove: Annotated[
        str | None, typer.Option(help="Remove the limit on --scope in this window.")
    ] = None,
    tax: Annotated[
        str | None,
        typer.Option(
            help="Cap of daydream spend over foreground spend, e.g. 20; 'none' takes it off."
        ),
    ] = None,
    tax_days: Annotated[
        int, typer.Option(min=1, max=60, help="Days over which the tax is taken.")
    ] = 7,
    zone: Annotated[
        str | None, typer.Option(help="Time zone in which days begin, e.g. Europe/Zurich.")
    ] = None,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Set, change or remove limits, the cap of the tax, or the time zone, also while it runs."""

    def wanted() -> list[Change]:
        thresholds, found = _shares(soft), list[Change]()
        for name, dollars in (("lifetime", lifetime), ("day", daily)):
            if dollars is not None:
                found.append(
                    SetLimit(
                        window=_window(name),
                        cap_nanousd=nanousd(dollars),
                        soft=thresholds,
                        hard=not warn_only,
                    )
                )
        if cap is not None or share is not None:
            amount = None if cap is None else nanousd(cap)
            found.append(
                SetLimit(
                    scope=scope,
                    window=_window(window),
                    cap_nanousd=amount,
                    share=share,
                    soft=thresholds,
                    hard=not warn_only,
                )
            )
        if remove is not None:
            found.append(RemoveLimit(scope=scope, window=_window(remove)))
        if tax is not None:
            found.append(SetTax(ratio=None if tax == "none" else _number(tax), days=tax_days))
        if zone is not None:
            found.append(SetZone(zone=zone))
        if not found:
            raise ConfigurationError(
                "nothing to set",
                "Give --lifetime, --daily, --cap, --share, --remove, --tax or --zone",
            )
        return found

    _change(wanted, who, why, data, as_json=as_json)


def budget_top_up(
    dollars: Annotated[float, typer.Argument(help="Dollars more (negative: less).")],
    scope: ScopeOption = "all",
    window: WindowOption = "lifetime",
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Raise a cap by an amount."""
    _change(
        lambda: [TopUp(scope=scope, window=_window(window), by_nanousd=nanousd(dollars))],
        who,
        why,
        data,
        as_json=as_json,
    )


def budget_pause(who: Who = "", why: Why = "", data: Data = None, as_json: Json = False) -> None:
    """Grant nothing that costs until `daydream budget resume`; calls in hand end."""
    _change(lambda: [Pause(paused=True)], who, why, data, as_json=as_json)


def budget_resume(who: Who = "", why: Why = "", data: Data = None, as_json: Json = False) -> None:
    """Go on after a pause."""
    _change(lambda: [Pause(paused=False)], who, why, data, as_json=as_json)


def budget_correct(
    by: Annotated[
        float, typer.Option(help="Dollars that were spent in addition; negative: that were not.")
    ],
    stage: Annotated[str, typer.Option(help="Stage that it is about.")],
    model: Annotated[str, typer.Option(help="Model that it is about.")],
    at: Annotated[
        datetime | None, typer.Option(help="When it was spent (UTC); now, if left out.")
    ] = None,
    attempt: Annotated[str, typer.Option(help="Id of the attempt that it is about.")] = "",
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Correct the books by a counter-entry. Nothing is edited or taken out."""
    moment = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
    _change(
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


def nanousd(dollars: float) -> int:
    """Dollars as the ledger counts them."""
    return round(dollars * NANOUSD_PER_USD)


def _change(
    wanted: Callable[[], list[Change]], who: str, why: str, data: Data, *, as_json: bool
) -> None:
    async def work() -> None:
        changes = _valid(wanted)
        async with reading(data or default_folder()) as client:
            for what in changes:
                answer = await client.ask(
                    BUDGET_CHANGE,
                    ChangeBudget(change_id=uuid4().hex, change=what, who=who or "unknown", why=why),
                )
                if answer.refusal is not None:
                    raise ConfigurationError(
                        answer.refusal.text, "See what there is with: daydream budget show"
                    )
        if as_json:
            emit_json(answer.state.model_dump(mode="json"))
        else:
            output.show_budget(answer.state)

    perform(work, as_json=as_json)


def _valid(wanted: Callable[[], list[Change]]) -> list[Change]:
    try:
        return wanted()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigurationError(
            f"{' '.join(str(part) for part in first['loc'])}: {first['msg']}".lstrip(": "),
            "See daydream budget set --help",
        ) from None


def _window(name: str) -> Window:
    if name in WINDOWS:
        return cast(Window, name)
    raise ConfigurationError(f"there is no window {name}", f"Windows are {', '.join(WINDOWS)}")


def _shares(text: str) -> tuple[float, ...]:
    return tuple(_number(part) for part in text.split(",") if part.strip())


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is not a number", "Write it like 0.8") from None
