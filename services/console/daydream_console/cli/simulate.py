"""`daydream simulate`: the toy economy of ideas, with and without write-back. Nothing is spent, no data are touched."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.session import perform
from daydream_console.plot import PlotSeries, line_chart
from daydream_contracts.errors import ConfigurationError

NAMES = {"with_write_back": "with write-back", "without": "without"}
BAR = 40


def simulate_command(
    facts: Annotated[int, typer.Option(min=10, max=5000, help="Facts at the beginning.")] = 150,
    draws: Annotated[int, typer.Option(min=1, max=5000, help="Draws in a period.")] = 100,
    periods: Annotated[int, typer.Option(min=5, max=500)] = 25,
    generated_max: Annotated[
        float, typer.Option(min=0, max=1, help="Most of all draws that may have an insight.")
    ] = 1.0,
    seeds: Annotated[int, typer.Option(min=2, max=100)] = 5,
    plot: Annotated[
        Path | None, typer.Option("--plot", help="An SVG file to draw it into.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hits in each period when insights become facts, and when they don't (after Jones, 2021); with the sampler's own draws and perfect critics."""

    async def work() -> None:
        asked = {
            "facts": facts,
            "draws": draws,
            "periods": periods,
            "generated-max": generated_max,
            "seeds": seeds,
        }
        found = await _run(asked)
        if plot is not None:
            series = {
                name: PlotSeries(found[key]["hits"], found[key]["low"], found[key]["high"])
                for key, name in NAMES.items()
            }
            await asyncio.to_thread(
                plot.write_text,
                line_chart(
                    "Hits per period",
                    series,
                    x="period",
                    y=f"hits of {draws} draws, mean of {seeds} seeds",
                ),
            )
        if as_json:
            emit_json(found)
        else:
            _show(found, plot)

    perform(work, as_json=as_json)


async def _run(asked: dict[str, Any]) -> Any:
    """By the sampler's own program: services don't import each other."""
    arguments = [part for name, value in asked.items() for part in (f"--{name}", str(value))]
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "daydream_sampler.simulation.command",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert program.stdout
    assert program.stderr
    try:
        with err.status("simulating …") as status:
            output = asyncio.create_task(program.stdout.read())
            last = ""
            async for line in program.stderr:
                last = line.decode(errors="replace").strip()
                status.update(f"simulating … {last}")
            text = await output
        if await program.wait():
            raise ConfigurationError(
                f"the simulation failed: {last}",
                "The sampler must be installed beside the command: pip install daydream-sampler",
            )
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    return json.loads(text)


def _show(found: Any, plot: Path | None) -> None:
    table = Table(title="Hits per period, mean", title_justify="left")
    for name in ("period", *NAMES.values()):
        table.add_column(name)
    top = max(max(found[key]["hits"]) for key in NAMES) or 1
    for at in range(found["world"]["periods"]):
        table.add_row(
            str(at + 1),
            *(
                f"{found[key]['hits'][at]:5.1f} {'█' * round(BAR / 2 * found[key]['hits'][at] / top)}"
                for key in NAMES
            ),
        )
    out.print(table)
    for key, name in NAMES.items():
        one = found[key]
        out.print(
            f"{name}: {one['trend']:+.2f} hits from one period to the next (95 %: {one['trend_low']:+.2f} to {one['trend_high']:+.2f})"
        )
    if plot is not None:
        out.print(f"Drawn into {plot}.", markup=False)
