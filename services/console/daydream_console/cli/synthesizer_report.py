"""`daydream report synthesizer`: who writes, and what each writer's hypotheses have brought."""

from __future__ import annotations

from rich.table import Table

from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_console.local.stack import READERS
from daydream_contracts.events import NANOUSD_PER_USD
from daydream_contracts.rpc import EmptyRequest, SynthesizerState, WriterState
from daydream_contracts.topology import SYNTHESIZER_STATE

COLUMNS = ("writer", "share now", "hypotheses", "promoted", "spent", "per $")


def report_synthesizer(data: Data = None, as_json: Json = False) -> None:
    """The models that write (DAYDREAM_SYNTHESIZER_MODELS_FILE), each with its share of the hypotheses and the yield that it rests on."""

    async def work() -> None:
        async with reading(data or default_folder(), (*READERS, "synthesizer")) as client:
            state = await client.ask(SYNTHESIZER_STATE, EmptyRequest())
        if as_json:
            emit_json(state.model_dump(mode="json"))
        else:
            show(state)

    perform(work, as_json=as_json)


def show(state: SynthesizerState) -> None:
    """For people."""
    table = Table()
    for at, name in enumerate(COLUMNS):
        table.add_column(name, justify="left" if at == 0 else "right")
    for one in state.writers:
        table.add_row(
            one.model,
            f"{one.share:.0%}",
            str(one.hypotheses),
            str(one.promoted),
            usd(one.cost_nanousd),
            _per_usd(one),
        )
    out.print(table)
    shown = (
        f"{state.examples} promoted and {state.examples} discarded findings"
        if state.examples
        else "no examples"
    )
    out.print(
        f"Each is shown {shown}. A share is the probability that the writer brings the most insights per dollar, given all this.",
        style="dim",
    )


def _per_usd(one: WriterState) -> str:
    return f"{one.promoted * NANOUSD_PER_USD / one.cost_nanousd:.1f}" if one.cost_nanousd else ""
