"""Print the budget: limits, spend, tax, and recent changes."""

from __future__ import annotations

from rich.text import Text

from daydream_console.cli.output import count, local_time, out, table, usd
from daydream_contracts.rpc import BudgetState, LimitState

CHANGES_SHOWN = 5


def show_budget(state: BudgetState) -> None:
    """Print limits and spend."""
    if state.halted is not None:
        out.print(Text(state.halted.text, style="bold red"))
    if not state.limits:
        out.print(
            "No cap is set, so only free models may be called. "
            "Set one: daydream budget set --lifetime 1.00"
        )
    if state.paused:
        out.print("[yellow]Paused: no paid call is granted. daydream budget resume[/yellow]")
    if state.limits:
        _show_limits(state)
    if state.spend:
        _show_spend(state)
    _show_totals(state)
    for change in state.changes[:CHANGES_SHOWN]:
        why = f" ({change.why})" if change.why else ""
        line = f"{change.at:%Y-%m-%d %H:%M} {change.who}: {change.text}{why}"
        out.print(Text(line, style="dim"))


def _show_limits(state: BudgetState) -> None:
    amounts = ("cap", "spent", "authorized", "reserved", "free")
    limits = table(
        f"Limits (time zone {state.zone})", ("scope", "window"), (*amounts, "renews", "reached")
    )
    for limit in state.limits:
        limits.add_row(*_limit_row(limit))
    out.print(limits)


def _limit_row(limit: LimitState) -> tuple[str, ...]:
    amounts = (
        limit.cap_nanousd,
        limit.settled_nanousd,
        limit.authorized_nanousd,
        limit.reserved_nanousd,
        limit.free_nanousd,
    )
    return (
        limit.scope,
        limit.window if limit.hard else f"{limit.window} (warns)",
        *(usd(amount) for amount in amounts),
        local_time(limit.renews_at, "never"),
        local_time(limit.reached_at, ""),
    )


def _show_spend(state: BudgetState) -> None:
    numbers = ("calls", "unknown", "tokens in", "tokens out", "spent")
    spend = table("Spend", ("stage", "model"), numbers)
    for row in state.spend:
        cells = (row.calls, row.unknown_calls, row.input_tokens, row.output_tokens)
        spend.add_row(row.stage, row.model, *map(str, cells), usd(row.settled_nanousd))
    out.print(spend)


def _show_totals(state: BudgetState) -> None:
    finished = count(state.daydreams_paid, "finished daydream")
    out.print(
        f"Spent in total: {usd(state.settled_nanousd)} on {finished}; "
        f"{state.daydreams_open} in progress."
    )
    if state.burn_nanousd_per_h:
        out.print(f"Burn rate: {usd(state.burn_nanousd_per_h)} per hour.")
    if state.tax is not None and state.tax.ratio is not None:
        tax = state.tax
        cap = f", cap {tax.ratio_cap:g}" if tax.ratio_cap is not None else ""
        out.print(
            f"Tax over {tax.days} days: {tax.ratio:.2f}{cap} "
            f"({usd(tax.daydream_nanousd)} against {usd(tax.foreground_nanousd)} foreground spend)."
        )
    if state.overruns:
        calls = count(state.overruns, "call")
        out.print(f"[red]Overruns: {calls} cost more than the upper bound.[/red]")
