"""`daydream budget price`: which price is in force for a model, who says so, and what an example costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, ClassVar

import typer
from rich.table import Table

from daydream_console.cli.options import Json
from daydream_console.cli.output import emit_json, out, usd
from daydream_console.cli.session import perform
from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.explain import PriceExplanation, PriceRow, explain
from daydream_models.pricing.lookup import find_price, price_of
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.tariff import Price
from daydream_models.settings import PaidSettings

KINDS = ("input", "cached input", "cache write", "output", "reasoning")


class SharedRole(PaidSettings):
    """The model settings that all roles have in common."""

    service: ClassVar[str] = "console"


def budget_price(
    model: Annotated[
        str, typer.Argument(help="Name of a model; DAYDREAM_MODEL_NAME, if left out.")
    ] = "",
    provider: Annotated[
        str, typer.Option(help="Whose price, e.g. openai; empty: found by the address or the name.")
    ] = "",
    base_url: Annotated[str, typer.Option(help="Where it is served.")] = "",
    input_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens of the example's prompt.")
    ] = 2000,
    output_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens of the example's answer.")
    ] = 500,
    at: Annotated[
        datetime | None, typer.Option(help="At which time (UTC); now, if left out.")
    ] = None,
    as_json: Json = False,
) -> None:
    """The price in force for a model, where it is from, and what an example call costs and can cost at most. Starts nothing."""

    async def work() -> None:
        name, price = _find(model, provider, base_url)
        moment = at.replace(tzinfo=UTC) if at else None
        found = explain(
            name, price, input_tokens=input_tokens, output_tokens=output_tokens, at=moment
        )
        if as_json:
            emit_json(found.model_dump(mode="json"))
        else:
            show_price(found)

    perform(work, as_json=as_json)


def _find(name: str, provider: str, base_url: str) -> tuple[str, Price]:
    """As the services find it, when it is the model that they are set to; by its name otherwise."""
    settings = SharedRole.read()
    own = read_prices(settings.prices_file)
    if name in ("", settings.model.name) and not provider and not base_url:
        if not settings.model.name:
            raise ConfigurationError("no model is named", "Give a name, or set DAYDREAM_MODEL_NAME")
        return settings.model.name, find_price(settings.model, own)
    named = name or settings.model.name
    return named, price_of(named, own, provider=provider, base_url=base_url)


def show_price(found: PriceExplanation) -> None:
    """The price as a table, and the example."""
    since = f", since {found.since:%Y-%m-%d}" if found.since else ""
    out.print(f"{found.model}: {found.source} ({found.detail}){since}", markup=False)
    if found.source != "free":
        table = Table(title="Dollars for a million tokens", title_justify="left")
        for column in ("calls", *KINDS):
            table.add_column(column, justify="left" if column == "calls" else "right")
        _add(table, "usual", found.tiers)
        for name, lines in found.service_tiers.items():
            _add(table, f"served as {name}", lines)
        if found.batch != found.tiers:
            _add(table, "in a batch", found.batch)
        out.print(table)
    if found.usd_per_call:
        out.print(f"And ${found.usd_per_call:g} a call.")
    out.print(
        f"A call with {found.input_tokens} tokens in and {found.output_tokens} out: {usd(found.cost_nanousd)}, at most {usd(found.upper_bound_nanousd)}."
    )


def _add(table: Table, calls: str, lines: tuple[PriceRow, ...]) -> None:
    for line in lines:
        above = f", above {line.above_input_tokens} tokens in" if line.above_input_tokens else ""
        amounts = (line.input, line.cached_input, line.cache_write, line.output, line.reasoning)
        table.add_row(calls + above, *(f"{amount:g}" for amount in amounts))
