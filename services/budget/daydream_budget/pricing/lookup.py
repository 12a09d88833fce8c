"""Find the price of a model: declared free, in the operator's file, or in the bundled list.

A model without a price is refused; a price is never guessed.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from urllib.parse import urlsplit

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.pricing.catalog import ListPrice
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.tariff import Price, PriceSource
from daydream_contracts.errors import ConfigurationError

LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class FreePrice(FlatPrice):
    """The price of a model that is declared free of charge."""

    def source(self, at: datetime | None = None) -> PriceSource:
        """Return that the operator declared it."""
        return PriceSource("free", "declared free of charge")


FREE: FlatPrice = FreePrice(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))


def find_price(name: str, provider: ProviderConfig, own: Mapping[str, FlatPrice]) -> Price:
    """Return the price of a provider's model. Raise ConfigurationError if there is none."""
    if provider.is_free(name):
        return FREE
    return price_of(name, own, provider=provider.price_list, base_url=provider.address.price_url)


def price_of(
    model_name: str, own: Mapping[str, FlatPrice], *, provider: str = "", base_url: str = ""
) -> Price:
    """Return the price of a model by its name, from the operator's file or the bundled list.

    In the list: of this provider, else of the one at `base_url`, else of the one that the name
    suggests. Raise ConfigurationError, which has the lines to add, if neither has a price.
    """
    if model_name in own:
        return own[model_name]
    try:
        return ListPrice(
            model_name,
            provider_id=provider or None,
            provider_api_url=None if provider else base_url or None,
        )
    except LookupError:
        seller = f" at {provider or base_url}" if provider or base_url else ""
        raise ConfigurationError(
            f'there is no price for model "{model_name}"{seller}', _fix(model_name, base_url)
        ) from None


def _fix(model_name: str, base_url: str) -> str:
    """Return the commands that declare a price, ready to paste."""
    key = json.dumps(model_name, ensure_ascii=False)
    line = f"models.{key} = {{ input_usd_per_mtok = PRICE, output_usd_per_mtok = PRICE }}"
    file = f"echo {shlex.quote(line)} >> prices.toml; export DAYDREAM_PRICES_FILE=$PWD/prices.toml"
    free = "export DAYDREAM_MODEL_FREE=true"
    if urlsplit(base_url).hostname in LOOPBACK:
        return f"It is on this machine. If it costs nothing: {free} . Otherwise: {file}"
    return (
        f"Write its prices in dollars per million tokens: {file} . Or set "
        "DAYDREAM_MODEL_PRICE_LIST to the provider whose prices apply. "
        f"If it costs nothing: {free}"
    )
