"""Explain the price of a model."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

import typer
from rich.table import Table

from daydream_console.cli.command import command
from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, out, table, usd
from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.explain import PriceExplanation, PriceRow, explain
from daydream_models.pricing.lookup import find_price, price_of
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.tariff import Price
from daydream_models.settings import PaidSettings

KINDS = ("input", "cached input", "cache write", "output", "reasoning")


class SharedRole(PaidSettings):
    """The model settings that all roles share."""

    service: ClassVar[str] = "console"


@command
async def budget_price(
    model: Annotated[
        str, typer.Argument(help="Name of the model. Default: DAYDREAM_MODEL_NAME.")
    ] = "",
    provider: Annotated[
        str, typer.Option(help="Provider, e.g. openai. Default: derived from the URL or the name.")
    ] = "",
    base_url: Annotated[str, typer.Option(help="URL where the model is served.")] = "",
    input_tokens: Annotated[
        int, typer.Option(min=0, help="Prompt tokens of the example call.")
    ] = 2000,
    output_tokens: Annotated[
        int, typer.Option(min=0, help="Answer tokens of the example call.")
    ] = 500,
    at: Annotated[datetime | None, typer.Option(help="Time (UTC). Default: now.")] = None,
    as_json: Json = False,
) -> None:
    """Show the price of a model, its source, and the cost of an example call. Start nothing."""
    name, price = _find(model, provider, base_url)
    moment = at.replace(tzinfo=UTC) if at else None
    explanation = explain(
        name, price, input_tokens=input_tokens, output_tokens=output_tokens, at=moment
    )
    if as_json:
        emit_json(explanation.model_dump(mode="json"))
    else:
        show_price(explanation)


def _find(name: str, provider: str, base_url: str) -> tuple[str, Price]:
    """Find the price as the services do if this is their model; otherwise by its name."""
    settings = SharedRole.read()
    own_prices = read_prices(settings.prices_file)
    if name in ("", settings.model.name) and not provider and not base_url:
        if not settings.model.name:
            raise ConfigurationError("No model given", "Pass a name, or set DAYDREAM_MODEL_NAME")
        return settings.model.name, find_price(settings.model, own_prices)
    name = name or settings.model.name
    return name, price_of(name, own_prices, provider=provider, base_url=base_url)


def show_price(price: PriceExplanation) -> None:
    """Print the price per million tokens and the example."""
    since = f", since {price.since:%Y-%m-%d}" if price.since else ""
    out.print(f"{price.model}: {price.source} ({price.detail}){since}", markup=False)
    if price.source != "free":
        _show_tiers(price)
    if price.usd_per_call:
        out.print(f"Plus ${price.usd_per_call:g} per call.")
    out.print(
        f"A call with {price.input_tokens} tokens in and {price.output_tokens} out: "
        f"{usd(price.cost_nanousd)}, at most {usd(price.upper_bound_nanousd)}."
    )


def _show_tiers(price: PriceExplanation) -> None:
    rows = table("Dollars per million tokens", ("calls",), KINDS)
    _add_rows(rows, "standard", price.tiers)
    for tier, prices in price.service_tiers.items():
        _add_rows(rows, f"service tier {tier}", prices)
    if price.batch != price.tiers:
        _add_rows(rows, "batch", price.batch)
    out.print(rows)


def _add_rows(rows: Table, calls: str, prices: tuple[PriceRow, ...]) -> None:
    for row in prices:
        above = f", above {row.above_input_tokens} tokens in" if row.above_input_tokens else ""
        amounts = (row.input, row.cached_input, row.cache_write, row.output, row.reasoning)
        rows.add_row(calls + above, *(f"{amount:g}" for amount in amounts))
