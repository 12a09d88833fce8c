"""`daydream report sampler`: what each strategy draws, costs and brings, so that its share explains itself."""

from __future__ import annotations

from rich.table import Table

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_console.local.stack import READERS
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import EmptyRequest, SamplerState, StrategyYield
from daydream_contracts.topology import SAMPLER_STATE

COLUMNS = (
    "strategy",
    "share now",
    "judged",
    "promoted",
    "spent",
    "per $",
    "per 100 draws, were it alone (95 %)",
)


def report_sampler(data: Data = None, as_json: Json = False) -> None:
    """What the sampler is doing, and each strategy's share of the draws with the yield that it rests on."""

    async def work() -> None:
        async with reading(data or default_folder(), (*READERS, "sampler")) as client:
            state = await client.ask(SAMPLER_STATE, EmptyRequest())
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            show(state)

    perform(work, as_json=as_json)


def show(state: SamplerState) -> None:
    """For people."""
    out.print(f"{state.phase}: {state.text or 'pairs are being drawn'}")
    out.print(
        f"{state.drawn} pairs drawn, {state.pairs_left} left to uniform draws; round {state.round}."
    )
    table = Table()
    for at, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if at == 0 else "right")
    for one in state.strategies:
        table.add_row(
            one.strategy,
            f"{one.share:.0%}",
            str(one.draws),
            str(one.insights),
            usd(one.cost_nanousd),
            _per_usd(one),
            _alone(one),
        )
    out.print(table)
    out.print(
        "A share is the probability that the strategy brings the most per dollar, given all this; uniform has its floor besides.",
        style="dim",
    )


def _per_usd(one: StrategyYield) -> str:
    return f"{one.insights * NANOUSD_PER_USD / one.cost_nanousd:.1f}" if one.cost_nanousd else ""


def _alone(one: StrategyYield) -> str:
    if one.low is None or one.high is None or not one.high:  # nothing of it was ever drawn
        return ""
    return f"{100 * (one.insights_per_draw or 0):.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})"
