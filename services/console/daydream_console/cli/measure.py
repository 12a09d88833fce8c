"""`daydream budget measure`: what a machine of one's own reads and writes a second, and its price by time."""

from __future__ import annotations

import json
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import SecretStr

from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.prices import SharedRole
from daydream_console.cli.session import perform
from daydream_contracts.errors import ConfigurationError
from daydream_models.settings import ModelSettings

if TYPE_CHECKING:
    from daydream_console.throughput import Throughput


def budget_measure(
    usd_per_gpu_hour: Annotated[
        float,
        typer.Option(
            min=0.0,
            max=1000.0,
            help="What a GPU of yours costs an hour. It says that the machine is yours.",
        ),
    ],
    model: Annotated[
        str, typer.Argument(help="Name of a model; DAYDREAM_MODEL_NAME, if left out.")
    ] = "",
    base_url: Annotated[
        str, typer.Option(help="Where it is served; DAYDREAM_MODEL_BASE_URL, if left out.")
    ] = "",
    gpus: Annotated[float, typer.Option(min=0.01, help="How many of them serve it.")] = 1.0,
    concurrency: Annotated[
        int,
        typer.Option(
            min=1,
            max=512,
            help="Calls at once, as many as all replicas of a stage will make together.",
        ),
    ] = 8,
    seconds: Annotated[
        float, typer.Option(min=1.0, max=600.0, help="For how long to read, and then to write.")
    ] = 20.0,
    seed: Annotated[int, typer.Option(help="Of the prompts.")] = 0,
    as_json: Json = False,
) -> None:
    """Measure a model on a machine of your own, and print its lines for the prices file. The calls are not counted in the ledger."""

    async def work() -> None:
        from daydream_console.throughput import (
            measure,  # only here: the client of models takes a third of a command's start
        )
        from daydream_models.provider import ModelProvider

        settings = _settings(model, base_url)
        endpoint = ModelProvider(settings)
        try:
            await endpoint.check()
            with err.status("measuring …") as status:
                found = await measure(
                    endpoint,
                    concurrency=concurrency,
                    seconds=seconds,
                    seed=seed,
                    progress=lambda text: status.update(f"{text} …"),
                )
        finally:
            await endpoint.close()
        if as_json:
            emit_json(
                {
                    "model": settings.name,
                    "concurrency": concurrency,
                    "usd_per_gpu_hour": usd_per_gpu_hour,
                    "gpus": gpus,
                    **asdict(found),
                }
            )
        else:
            out.print(
                toml(settings.name, found, usd_per_gpu_hour, gpus, concurrency),
                markup=False,
                soft_wrap=True,
            )

    perform(work, as_json=as_json)


def _settings(model: str, base_url: str) -> ModelSettings:
    """The model to measure. ConfigurationError for OpenAI's own address: those calls would cost, and no cap would hold them."""
    known = SharedRole.read().model
    settings = known.model_copy(
        update={
            "name": model or known.name,
            "base_url": base_url or known.base_url,
            "answers": "text",
        }
    )
    if base_url and base_url != known.base_url:
        settings = settings.model_copy(
            update={"api_key": SecretStr("")}
        )  # a key goes only where it was meant for
    if not settings.name:
        raise ConfigurationError("no model is named", "Give a name, or set DAYDREAM_MODEL_NAME")
    if settings.base_url == ModelSettings().base_url:
        raise ConfigurationError(
            "the model is to be asked at OpenAI's, where each call costs",
            "Give --base-url of your own server",
        )
    return settings


def toml(
    model: str, found: Throughput, usd_per_gpu_hour: float, gpus: float, concurrency: int
) -> str:
    """The lines for the prices file. Rates are rounded down, so that the price is rather too high."""
    return "\n".join(
        (
            f"# measured with {concurrency} calls at once ({found.reading_calls} calls that read, {found.writing_calls} that wrote)",
            f"[models.{json.dumps(model, ensure_ascii=False)}]",
            f"usd_per_gpu_hour = {Decimal(str(usd_per_gpu_hour)):f}",
            f"gpus = {Decimal(str(gpus)):f}",
            f"input_tokens_per_s = {max(1, int(found.input_tokens_per_s))}",
            f"output_tokens_per_s = {max(1, int(found.output_tokens_per_s))}",
        )
    )
