"""What a call costs: a price of the operator's own file, or of the bundled list, in this order; never a guess.

A model without a price is refused, unless it is declared free. What it costs at most: `bounds`. Who says what: `price_file`, `price_list`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.bounds import (
    call_bound_nanousd,
    input_byte_nanousd,
    input_tokens_bound,
    prompt_tokens_bound,
    upper_bound_nanousd,
)
from daydream_models.pricing.catalog import ListPrice
from daydream_models.pricing.price_file import FlatPrice, read_prices
from daydream_models.pricing.tariff import Price, PriceSource, to_nanousd
from daydream_models.pricing.usage import TokenUsage
from daydream_models.settings import ModelSettings

__all__ = [
    "FREE",
    "FlatPrice",
    "ListPrice",
    "Price",
    "TokenUsage",
    "call_bound_nanousd",
    "find_price",
    "input_byte_nanousd",
    "input_tokens_bound",
    "price_of",
    "prompt_tokens_bound",
    "read_prices",
    "to_nanousd",
    "upper_bound_nanousd",
]


class _Free(FlatPrice):
    def origin(self, at: datetime | None = None) -> PriceSource:
        return PriceSource("free", "declared free of charge")


FREE: FlatPrice = _Free(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))


def find_price(model: ModelSettings, own: Mapping[str, FlatPrice]) -> Price:
    """The price of a model: declared free, the operator's file, or the bundled list, in this order. ConfigurationError when none has it."""
    return (
        FREE
        if model.free
        else price_of(model.name, own, provider=model.provider, base_url=model.base_url)
    )


def price_of(
    model_name: str, own: Mapping[str, FlatPrice], *, provider: str = "", base_url: str = ""
) -> Price:
    """The price of a model by name: from the operator's file, or from the bundled list (of this provider, else of the one at this address,
    else of the one that the name tells). ConfigurationError with the lines to add when neither has it."""
    if model_name in own:
        return own[model_name]
    try:
        return ListPrice(
            model_name,
            provider_id=provider or None,
            provider_api_url=None if provider else base_url or None,
        )
    except LookupError:
        where = f" at {provider or base_url}" if provider or base_url else ""
        raise ConfigurationError(
            f'there is no price for model "{model_name}"{where}', _fix(model_name)
        ) from None


def _fix(model_name: str) -> str:
    key = json.dumps(model_name, ensure_ascii=False)
    return (
        f"Add to the file that DAYDREAM_PRICES_FILE names: models.{key} = {{ input_usd_per_mtok = PRICE, output_usd_per_mtok = PRICE }} . "
        f"Or set DAYDREAM_MODEL_PROVIDER to whose prices apply, or DAYDREAM_MODEL_FREE=true if it costs nothing"
    )
