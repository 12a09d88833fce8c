"""Explain the price of a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from daydream_console.cli.command import command
from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, out, table, usd
from daydream_console.local.gateway_program import ask_gateway_program
from daydream_contracts.errors import ConfigurationError

KINDS = ("input", "cached input", "cache write", "output", "reasoning")
FIELDS = ("input", "cached_input", "cache_write", "output", "reasoning")


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
    """Show the price of a model, its source, and the cost of an example call. Start nothing.

    Examples:
        daydream budget price gpt-4.1-mini
    """
    arguments = ["price", chosen_model(model), "--input-tokens", str(input_tokens)]
    arguments += ["--output-tokens", str(output_tokens)]
    if provider:
        arguments += ["--provider", provider]
    if base_url:
        arguments += ["--base-url", base_url]
    if at:
        arguments += ["--at", at.isoformat()]
    price = await ask_gateway_program(*arguments)
    if as_json:
        emit_json(price)
    else:
        show_price(price)


def chosen_model(name: str) -> str:
    """Return the named model, or that of the settings. Raise ConfigurationError for none."""
    name = name or os.environ.get("DAYDREAM_MODEL_NAME", "")
    if not name:
        raise ConfigurationError("No model given", "Pass a name, or set DAYDREAM_MODEL_NAME")
    return name


def show_price(price: dict[str, Any]) -> None:
    """Print the price per million tokens and the example."""
    since = f", since {price['since'][:10]}" if price["since"] else ""
    out.print(f"{price['model']}: {price['source']} ({price['detail']}){since}", markup=False)
    if price["source"] != "free":
        _show_tiers(price)
    if price["usd_per_call"]:
        out.print(f"Plus ${price['usd_per_call']:g} per call.")
    out.print(
        f"A call with {price['input_tokens']} tokens in and {price['output_tokens']} out: "
        f"{usd(price['cost_nanousd'])}, at most {usd(price['upper_bound_nanousd'])}."
    )


def _show_tiers(price: dict[str, Any]) -> None:
    rows = table("Dollars per million tokens", ("calls",), KINDS)
    _add_rows(rows, "standard", price["tiers"])
    for tier, prices in price["service_tiers"].items():
        _add_rows(rows, f"service tier {tier}", prices)
    if price["batch"] != price["tiers"]:
        _add_rows(rows, "batch", price["batch"])
    out.print(rows)


def _add_rows(rows: Table, calls: str, prices: Sequence[dict[str, Any]]) -> None:
    for row in prices:
        least = row["above_input_tokens"]
        above = f", above {least} tokens in" if least else ""
        rows.add_row(calls + above, *(f"{row[field]:g}" for field in FIELDS))
