"""Simulate the toy economy of ideas, with and without write-back."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from daydream_console.cli.command import command
from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, err, out, table
from daydream_console.plot import PlotSeries, line_chart
from daydream_contracts.errors import ConfigurationError

NAMES = {"with_write_back": "with write-back", "without": "without"}
BAR_CHARS = 20


@command
async def simulate_command(
    facts: Annotated[int, typer.Option(min=10, max=5000, help="Facts at the start.")] = 150,
    draws: Annotated[int, typer.Option(min=1, max=5000, help="Draws per period.")] = 100,
    periods: Annotated[int, typer.Option(min=5, max=500, help="Number of periods.")] = 25,
    generated_max: Annotated[
        float,
        typer.Option(min=0, max=1, help="Maximum share of draws that may use a generated insight."),
    ] = 1.0,
    seeds: Annotated[int, typer.Option(min=2, max=100, help="Number of random seeds.")] = 5,
    plot: Annotated[Path | None, typer.Option("--plot", help="SVG file for a chart.")] = None,
    as_json: Json = False,
) -> None:
    """Simulate hits per period, with and without insights becoming facts. Spend nothing.

    The economy follows Jones (2021), with the sampler's own draws and a perfect critic.

    Examples:
        daydream simulate --facts 2000 --plot hits.svg
    """
    arguments = {
        "facts": facts,
        "draws": draws,
        "periods": periods,
        "generated-max": generated_max,
        "seeds": seeds,
    }
    result = await _run_simulation(arguments)
    if plot is not None:
        series = {
            name: PlotSeries(result[key]["hits"], result[key]["low"], result[key]["high"])
            for key, name in NAMES.items()
        }
        y = f"hits per {draws} draws, mean of {seeds} seeds"
        chart = line_chart("Hits per period", series, x="period", y=y)
        await asyncio.to_thread(plot.write_text, chart)
    if as_json:
        emit_json(result)
    else:
        _show(result, plot)


async def _run_simulation(options: dict[str, Any]) -> Any:
    """Run the sampler's own program, because services do not import each other."""
    arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
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
                f"The simulation failed: {last}",
                "Install the sampler beside the command: pip install daydream-sampler",
            )
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()
    return json.loads(text)


def _show(result: Any, plot: Path | None) -> None:
    rows = table("Hits per period, mean", ("period", *NAMES.values()), ())
    peak = max(max(result[key]["hits"]) for key in NAMES) or 1
    for period in range(result["world"]["periods"]):
        hits = [result[key]["hits"][period] for key in NAMES]
        bars = (f"{value:5.1f} {'█' * round(BAR_CHARS * value / peak)}" for value in hits)
        rows.add_row(str(period + 1), *bars)
    out.print(rows)
    for key, name in NAMES.items():
        world = result[key]
        interval = f"95 %: {world['trend_low']:+.2f} to {world['trend_high']:+.2f}"
        out.print(f"{name}: {world['trend']:+.2f} hits per period ({interval})")
    if plot is not None:
        out.print(f"Chart written to {plot}.", markup=False)
