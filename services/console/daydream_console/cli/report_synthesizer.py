"""Report which models write hypotheses, and what they yield."""

from __future__ import annotations

from daydream_console.cli.command import command
from daydream_console.cli.connection import READERS, connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, per_usd, table, usd
from daydream_contracts.rpc import EmptyRequest, SynthesizerState
from daydream_contracts.topology import SYNTHESIZER_STATE

COLUMNS = ("share", "hypotheses", "promoted", "spent", "per $")


@command
async def report_synthesizer(data: Data = None, as_json: Json = False) -> None:
    """Show each writer's hypotheses, cost and yield (writers: DAYDREAM_SYNTHESIZER_MODELS_FILE).

    Only hypotheses under the promotion rule now in force count.

    Examples:
        daydream report synthesizer
    """
    async with connection(data, (*READERS, "synthesizer")) as client:
        state = await client.rpc.request(SYNTHESIZER_STATE, EmptyRequest())
    if as_json:
        emit_json(state.model_dump(mode="json"))
    else:
        show(state)


def show(state: SynthesizerState) -> None:
    """Print the state of the synthesizer."""
    rows = table("", ("writer",), COLUMNS)
    for writer in state.writers:
        rows.add_row(
            writer.model,
            f"{writer.share:.0%}",
            str(writer.hypotheses),
            str(writer.promoted),
            usd(writer.cost_nanousd),
            per_usd(writer.promoted, writer.cost_nanousd),
        )
    out.print(rows)
    examples = "no examples"
    if state.examples:
        examples = f"{state.examples} promoted and {state.examples} discarded hypotheses"
    out.print(
        f"Examples in each prompt: {examples}. Share: the probability that the writer yields the "
        "most insights per dollar, given these results.",
        style="dim",
    )
