"""`python -m daydream_budget.gateway check|price|measure`: JSON on standard output.

`daydream doctor`, `run`, `budget price` and `budget measure` run these, since only the gateway's
program has the keys of providers. Exit code 2 means a wrong setting, with one line that names the
fix.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from daydream_budget.gateway.providers.address import OTHER
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.provider import Provider
from daydream_budget.gateway.providers.providers_file import Providers
from daydream_budget.gateway.settings import GatewaySettings
from daydream_budget.gateway.tools.check import check_model
from daydream_budget.gateway.tools.throughput import MeasuredModel, measure
from daydream_budget.pricing.explain import explain
from daydream_budget.pricing.lookup import find_price, price_of
from daydream_budget.pricing.price_file import read_prices
from daydream_contracts.errors import ConfigurationError

EXIT_SETTING = 2


def main(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        settings = GatewaySettings.read()
        result: Any = asyncio.run(options.command(settings, options))
    except ConfigurationError as error:
        sys.stderr.write(f"{error.problem.rstrip('.')}. {error.fix.rstrip('.')}.\n")
        return EXIT_SETTING
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m daydream_budget.gateway")
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="connect to the providers of models")
    check.add_argument("models", nargs="+")
    check.set_defaults(command=_check)
    price = commands.add_parser("price", help="explain the price of a model")
    price.add_argument("model")
    price.add_argument("--provider", default="")
    price.add_argument("--base-url", default="")
    price.add_argument("--input-tokens", type=int, default=2000)
    price.add_argument("--output-tokens", type=int, default=500)
    price.add_argument("--at", type=datetime.fromisoformat, default=None)
    price.set_defaults(command=_price)
    rates = commands.add_parser("measure", help="measure how fast a model reads and writes")
    rates.add_argument("model")
    rates.add_argument("--base-url", default="")
    rates.add_argument("--concurrency", type=int, default=8)
    rates.add_argument("--seconds", type=float, default=20.0)
    rates.add_argument("--seed", type=int, default=0)
    rates.set_defaults(command=_measure)
    return parser


async def _check(settings: GatewaySettings, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what was found about each model."""
    prices = read_prices(settings.prices_file)
    providers = Providers.read(settings.model, settings.providers_file)
    names = list(dict.fromkeys(options.models))
    checked = [await check_model(name, providers.for_model(name), prices) for name in names]
    return [asdict(row) for row in checked]


async def _price(settings: GatewaySettings, options: argparse.Namespace) -> dict[str, Any]:
    """Return the price of a model, as the gateway finds it unless a provider is named."""
    prices = read_prices(settings.prices_file)
    if options.provider or options.base_url:
        price = price_of(
            options.model, prices, provider=options.provider, base_url=options.base_url
        )
    else:
        providers = Providers.read(settings.model, settings.providers_file)
        price = find_price(options.model, providers.for_model(options.model), prices)
    explanation = explain(
        options.model,
        price,
        input_tokens=options.input_tokens,
        output_tokens=options.output_tokens,
        at=options.at.replace(tzinfo=UTC) if options.at else None,
    )
    return explanation.model_dump(mode="json")


async def _measure(settings: GatewaySettings, options: argparse.Namespace) -> dict[str, Any]:
    """Return the rates of a model. The ledger does not count these calls."""
    config = _measured(settings, options)
    provider = Provider(config)
    try:
        throughput = await measure(
            MeasuredModel(options.model, provider, Dialect.of(config)),
            concurrency=options.concurrency,
            seconds=options.seconds,
            seed=options.seed,
            progress=lambda text: print(text, file=sys.stderr, flush=True),  # noqa: T201
        )
    finally:
        await provider.close()
    return asdict(throughput)


def _measured(settings: GatewaySettings, options: argparse.Namespace) -> ProviderConfig:
    """Return the provider of the model to measure.

    Raise ConfigurationError for a provider that bills calls: no cap would hold them.
    """
    providers = Providers.read(settings.model, settings.providers_file)
    config = providers.for_model(options.model)
    if options.base_url and options.base_url != config.base_url:
        # A key is sent only to the address that it is meant for.
        changes = {"base_url": options.base_url, "api_key": SecretStr("")}
        config = ProviderConfig.model_validate({**config.model_dump(), **changes})
    if config.address.family != OTHER.name:
        raise ConfigurationError(
            f"The model is served by {config.address.host}; every call is paid",
            "Pass --base-url with the URL of your server",
        )
    return config
