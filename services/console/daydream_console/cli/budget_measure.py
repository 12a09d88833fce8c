"""Measure the throughput of a model on your own machine, and derive its price from the cost of the
machine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

import typer

from daydream_console.cli.budget_price import chosen_model
from daydream_console.cli.command import command
from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, err, out
from daydream_console.local.gateway_program import ask_gateway_program


@command
async def budget_measure(
    usd_per_gpu_hour: Annotated[
        float,
        typer.Option(min=0.0, max=1000.0, help="Cost of one of your GPUs in dollars per hour."),
    ],
    model: Annotated[
        str, typer.Argument(help="Name of the model. Default: DAYDREAM_MODEL_NAME.")
    ] = "",
    base_url: Annotated[
        str, typer.Option(help="URL where it is served. Default: DAYDREAM_MODEL_BASE_URL.")
    ] = "",
    gpus: Annotated[float, typer.Option(min=0.01, help="Number of GPUs that serve it.")] = 1.0,
    concurrency: Annotated[
        int,
        typer.Option(min=1, max=512, help="Concurrent calls, summed over all replicas of a stage."),
    ] = 8,
    seconds: Annotated[
        float, typer.Option(min=1.0, max=600.0, help="Duration of each of the two phases, in s.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="Random seed of the prompts.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure a model on your own machine and print its entry for the prices file.

    The ledger does not count these calls.

    Examples:
        daydream budget measure --usd-per-gpu-hour 1.20
    """
    name = chosen_model(model)
    arguments = ["measure", name, "--concurrency", str(concurrency)]
    arguments += ["--seconds", str(seconds), "--seed", str(seed)]
    if base_url:
        arguments += ["--base-url", base_url]
    with err.status("measuring …") as status:
        rates = await ask_gateway_program(
            *arguments, progress=lambda text: status.update(f"{text} …")
        )
    if as_json:
        machine = {"usd_per_gpu_hour": usd_per_gpu_hour, "gpus": gpus}
        head = {"model": name, "concurrency": concurrency}
        emit_json({**head, **machine, **rates})
    else:
        entry = toml(name, rates, usd_per_gpu_hour, gpus, concurrency)
        out.print(entry, markup=False, soft_wrap=True)


def toml(
    model: str, rates: Mapping[str, float], usd_per_gpu_hour: float, gpus: float, concurrency: int
) -> str:
    """Return the entry for the prices file.

    Rates are rounded down, so the price is never too low.
    """
    calls = f"{rates['reading_calls']} reading and {rates['writing_calls']} writing calls"
    return "\n".join(
        (
            f"# measured with {concurrency} concurrent calls ({calls})",
            f"[models.{json.dumps(model, ensure_ascii=False)}]",
            f"usd_per_gpu_hour = {Decimal(str(usd_per_gpu_hour)):f}",
            f"gpus = {Decimal(str(gpus)):f}",
            f"input_tokens_per_s = {max(1, int(rates['input_tokens_per_s']))}",
            f"output_tokens_per_s = {max(1, int(rates['output_tokens_per_s']))}",
        )
    )
