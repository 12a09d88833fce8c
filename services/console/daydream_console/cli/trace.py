"""Show one daydream from its draw to what people did with it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer
from rich.text import Text

from daydream_console.cli.command import command
from daydream_console.cli.connection import INSIGHT_READERS, connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.daydream_trace import TraceStep, trace_of
from daydream_console.insights.pages import read_insight


@command
async def trace_command(
    insight_id: Annotated[
        str,
        typer.Argument(help="ID of an insight, verdict, hypothesis, pair, reservation or trace."),
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show one daydream's events, model calls and costs in order, from its draw to its reviews.

    Examples:
        daydream trace INSIGHT_ID
        daydream trace 4bf92f3577b34da6a3ce929d0e0e4736
    """
    async with connection(data, INSIGHT_READERS) as client:
        detail = await read_insight(client.rpc, insight_id)
        steps = await trace_of(client.js, detail)
    cost_nanousd = sum(step.cost_nanousd or 0 for step in steps)
    if as_json:
        emit_json(
            {
                "verdict_id": detail.summary.verdict_id,
                "trace_id": detail.trace_id,
                "cost_nanousd": cost_nanousd,
                "total": len(steps),
                "items": [asdict(step) for step in steps],
            }
        )
        return
    for step in steps:
        out.print(_line(step))
    out.print(f"Settled in the ledger: {usd(cost_nanousd)}. Verdict: {detail.summary.verdict_id}")
    if detail.trace_id:
        out.print(f"Trace in your tracing system: {detail.trace_id}")


def _line(step: TraceStep) -> Text:
    text = Text.assemble(
        (f"{step.at.astimezone():%Y-%m-%d %H:%M:%S.%f}"[:-3], "dim"),
        f" {step.stage:11} {step.text}",
    )
    if step.cost_nanousd is not None:
        text.append(f" · {usd(step.cost_nanousd)}", style="bold")
    return text
