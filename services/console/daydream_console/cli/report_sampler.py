"""Report what each strategy draws, costs and yields."""

from __future__ import annotations

from daydream_console.cli.command import command
from daydream_console.cli.connection import READERS, connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, per_usd, table, usd
from daydream_contracts.rpc import EmptyRequest, SamplerState, StrategyYield
from daydream_contracts.topology import SAMPLER_STATE

COLUMNS = ("share", "judged", "promoted", "spent", "per $", "per 100 draws on its own (95 %)")


@command
async def report_sampler(data: Data = None, as_json: Json = False) -> None:
    """Show each strategy's draws, cost and yield, and how the draws are split.

    Examples:
        daydream report sampler
    """
    async with connection(data, (*READERS, "sampler")) as client:
        state = await client.rpc.request(SAMPLER_STATE, EmptyRequest())
    if as_json:
        emit_json(state.model_dump(mode="json"))
    else:
        show(state)


def show(state: SamplerState) -> None:
    """Print the state of the sampler."""
    out.print(f"{state.phase}: {state.text or 'drawing pairs'}")
    out.print(
        f"{state.drawn} pairs drawn, {state.pairs_left} left for uniform draws; "
        f"round {state.round}."
    )
    rows = table("", ("strategy",), COLUMNS)
    for strategy in state.strategies:
        rows.add_row(
            strategy.strategy,
            f"{strategy.share:.0%}",
            str(strategy.draws),
            str(strategy.insights),
            usd(strategy.cost_nanousd),
            per_usd(strategy.insights, strategy.cost_nanousd),
            _yield_on_its_own(strategy),
        )
    out.print(rows)
    out.print(
        "Share: the probability that the strategy yields the most insights per dollar, given "
        "these results. Uniform draws have a guaranteed minimum.",
        style="dim",
    )


def _yield_on_its_own(strategy: StrategyYield) -> str:
    if strategy.low is None or strategy.high is None or not strategy.high:  # never drawn
        return ""
    interval = f"{100 * strategy.low:.1f} to {100 * strategy.high:.1f}"
    return f"{100 * (strategy.insights_per_draw or 0):.1f} ({interval})"
