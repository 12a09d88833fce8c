"""Measure the throughput of a model on your own machine, and derive its price from the cost of the
machine.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from daydream_console.cli.budget_price import SharedRole
from daydream_console.cli.command import command
from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, err, out
from daydream_contracts.errors import ConfigurationError
from daydream_models.settings import ModelSettings

if TYPE_CHECKING:
    from daydream_console.throughput import Throughput


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
    """
    # Imported only here: the client of models takes a third of a command's start.
    from daydream_console.throughput import measure
    from daydream_models.provider import ModelProvider

    settings = _settings(model, base_url)
    provider = ModelProvider(settings)
    try:
        await provider.check()
        with err.status("measuring …") as status:
            throughput = await measure(
                provider,
                concurrency=concurrency,
                seconds=seconds,
                seed=seed,
                progress=lambda text: status.update(f"{text} …"),
            )
    finally:
        await provider.close()
    if as_json:
        machine = {"usd_per_gpu_hour": usd_per_gpu_hour, "gpus": gpus}
        head = {"model": settings.name, "concurrency": concurrency}
        emit_json({**head, **machine, **asdict(throughput)})
    else:
        entry = toml(settings.name, throughput, usd_per_gpu_hour, gpus, concurrency)
        out.print(entry, markup=False, soft_wrap=True)


def _settings(model: str, base_url: str) -> ModelSettings:
    """Return the settings of the model to measure.

    Raise ConfigurationError for OpenAI's own address: those calls cost money, and no cap would hold
    them.
    """
    configured = SharedRole.read().model
    settings = configured.model_copy(
        update={
            "name": model or configured.name,
            "base_url": base_url or configured.base_url,
            "answers": "text",
        }
    )
    if base_url and base_url != configured.base_url:
        # A key is sent only to the address that it is meant for.
        settings = settings.model_copy(update={"api_key": SecretStr("")})
    if not settings.name:
        raise ConfigurationError("No model given", "Pass a name, or set DAYDREAM_MODEL_NAME")
    if settings.base_url == ModelSettings().base_url:
        raise ConfigurationError(
            "The model is served by OpenAI; every call is paid",
            "Pass --base-url with the URL of your server",
        )
    return settings


def toml(
    model: str, throughput: Throughput, usd_per_gpu_hour: float, gpus: float, concurrency: int
) -> str:
    """Return the entry for the prices file.

    Rates are rounded down, so the price is never too low.
    """
    calls = f"{throughput.reading_calls} reading and {throughput.writing_calls} writing calls"
    return "\n".join(
        (
            f"# measured with {concurrency} concurrent calls ({calls})",
            f"[models.{json.dumps(model, ensure_ascii=False)}]",
            f"usd_per_gpu_hour = {Decimal(str(usd_per_gpu_hour)):f}",
            f"gpus = {Decimal(str(gpus)):f}",
            f"input_tokens_per_s = {max(1, int(throughput.input_tokens_per_s))}",
            f"output_tokens_per_s = {max(1, int(throughput.output_tokens_per_s))}",
        )
    )
