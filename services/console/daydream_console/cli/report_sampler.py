"""Report what each strategy draws, costs and yields."""

from __future__ import annotations

from daydream_console.cli.command import command
from daydream_console.cli.connection import READERS, connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, per_usd, table, usd
from daydream_contracts.rpc import EmptyRequest, SamplerState, ScreenState, StrategyYield
from daydream_contracts.topology import SAMPLER_STATE

QUARTERS = 4
COLUMNS = (
    "share",
    "verdicts",
    "promoted",
    "of these good",
    "spent",
    "good per $",
    "good per 100 draws on its own (95 %)",
)


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
            f"{strategy.good_insights:.1f}",
            usd(strategy.cost_nanousd),
            per_usd(strategy.good_insights, strategy.cost_nanousd),
            _yield_on_its_own(strategy),
        )
    out.print(rows)
    _show_strata(state)
    out.print(
        "Share: the probability that the strategy yields the most insights per dollar, given "
        "these results. Uniform and stratified draws have a guaranteed minimum.",
        style="dim",
    )
    out.print(_counted(state), style="dim")
    if state.screen.on:
        out.print(_screened(state.screen), style="dim")


def _show_strata(state: SamplerState) -> None:
    rows = table("", ("pairs",), ("verdicts", "promoted", "per 100 draws"))
    for stratum in state.strata:
        share = f"{100 * stratum.insights / stratum.draws:.1f}" if stratum.draws else "–"
        rows.add_row(stratum.stratum, str(stratum.draws), str(stratum.insights), share)
    out.print(rows)


def _screened(screen: ScreenState) -> str:
    """Return what ranking pairs before they are written about has shown, and what it loses."""
    if screen.problem:
        return f"Pre-screen: off, {screen.problem}."
    ranked = f"{sum(screen.ranked):.0f} ranked pairs, {sum(screen.insights):.0f} insights"
    quarters = ", ".join(f"{insights:.0f}" for insights in screen.insights)
    if screen.kept_quarters < QUARTERS:
        text = f"Pre-screen: the best {screen.kept_quarters} of 4 quarters pass."
        lost = "It loses about"
    else:
        text = "Pre-screen: it measures and drops nothing, since it does not pay yet."
        lost = "Keeping the better half would lose about"
    text += (
        f" {ranked} ({quarters} by quarter, the best first), {usd(screen.nanousd_per_pair)} each."
    )
    if screen.lost_share is None or screen.lost_low is None or screen.lost_high is None:
        return text
    return (
        f"{text} {lost} {screen.lost_share:.0%} of the insights ({screen.lost_low:.0%} to"
        f" {screen.lost_high:.0%}), estimated from pairs that pass at any rank."
    )


def _counted(state: SamplerState) -> str:
    """Return what the figures count, and how they are corrected."""
    rule = f"the promotion rule in force ({state.rule})" if state.rule else "all rules so far"
    if not state.bad_promoted and state.good_promoted == 1:
        return (
            f"Verdicts of {rule} count. Canaries have shown no errors of the judges to correct yet."
        )
    return (
        f"Verdicts of {rule} count. Good ones are corrected for the judges' errors: they promote "
        f"about {state.good_promoted:.0%} of good and {state.bad_promoted:.0%} of bad hypotheses."
    )


def _yield_on_its_own(strategy: StrategyYield) -> str:
    if strategy.low is None or strategy.high is None or not strategy.high:  # never drawn
        return ""
    interval = f"{100 * strategy.low:.1f} to {100 * strategy.high:.1f}"
    return f"{100 * (strategy.insights_per_draw or 0):.1f} ({interval})"
