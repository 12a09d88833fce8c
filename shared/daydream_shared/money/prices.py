"""What a call costs: from the bundled price list (`genai-prices`, offline), overridden by a TOML file of the operator's.

    [models."my-model"]
    input_usd_per_mtok = 0.15
    cached_input_usd_per_mtok = 0.075   # optional, the input price otherwise
    output_usd_per_mtok = 0.60

A model without a price is refused, unless it is declared free. Costs are rounded up to whole nano-dollars.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from genai_prices import Usage as PricedUsage
from genai_prices import calc_price
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from daydream_shared.failures import WrongSetting
from daydream_shared.messages import NANOUSD_PER_USD
from daydream_shared.settings import ModelSettings

MEND_PRICES = 'It needs [models."name"] tables with input_usd_per_mtok and output_usd_per_mtok'
TOKENS_PER_MESSAGE = 16  # what chat templates put around a message, generously


@dataclass(frozen=True)
class TokenUsage:
    """What a provider reports; `input_tokens` includes the cached ones, `output_tokens` the reasoning."""

    input_tokens: int
    output_tokens: int
    cached_input_tokens: int = 0


class Price(Protocol):
    """The price of one model."""

    def cost_nanousd(self, usage: TokenUsage) -> int:
        """What this usage costs."""
        ...


class FlatPrice(BaseModel):
    """A price of the operator's own file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input_usd_per_mtok: Decimal = Field(ge=0)
    output_usd_per_mtok: Decimal = Field(ge=0)
    cached_input_usd_per_mtok: Decimal | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _cached_is_not_dearer(self) -> Self:
        if self.cached_input_usd_per_mtok is not None and self.cached_input_usd_per_mtok > self.input_usd_per_mtok:
            raise ValueError("cached input is dearer than input, so no bound would hold")
        return self

    def cost_nanousd(self, usage: TokenUsage) -> int:
        cached_price = self.input_usd_per_mtok if self.cached_input_usd_per_mtok is None else self.cached_input_usd_per_mtok
        cached = min(usage.cached_input_tokens, usage.input_tokens)  # some servers report more
        usd = (self.input_usd_per_mtok * (usage.input_tokens - cached) + cached_price * cached + self.output_usd_per_mtok * usage.output_tokens) / 1_000_000
        return to_nanousd(usd)


FREE = FlatPrice(input_usd_per_mtok=Decimal(0), output_usd_per_mtok=Decimal(0))


class ListPrice:
    """A price of the bundled list: tiers by context length and cached input included."""

    def __init__(self, model: str, **where: str) -> None:
        self._price = partial(calc_price, model_ref=model, **where)
        self._price(PricedUsage(input_tokens=1, output_tokens=1))  # LookupError now rather than at the first call

    def cost_nanousd(self, usage: TokenUsage) -> int:
        priced = self._price(
            PricedUsage(
                input_tokens=usage.input_tokens,
                cache_read_tokens=min(usage.cached_input_tokens, usage.input_tokens),
                output_tokens=usage.output_tokens,
            )
        )
        return to_nanousd(priced.total_price)


def find_price(model: ModelSettings, own: Mapping[str, FlatPrice]) -> Price:
    """The price of a model: declared free, the operator's file, or the bundled list, in this order. WrongSetting when none has it."""
    if model.free:
        return FREE
    if model.name in own:
        return own[model.name]
    where = {"provider_id": model.provider} if model.provider else {"provider_api_url": model.base_url}
    try:
        return ListPrice(model.name, **where)
    except LookupError:
        raise WrongSetting(
            f'there is no price for model "{model.name}" at {model.base_url}',
            f'Put [models."{model.name}"] with input_usd_per_mtok and output_usd_per_mtok into a file and name it in '
            f"DAYDREAM_PRICES_FILE, set DAYDREAM_MODEL_PROVIDER to whose prices apply, or DAYDREAM_MODEL_FREE=true if it costs nothing",
        ) from None


def read_prices(file: str) -> dict[str, FlatPrice]:
    """The operator's prices; none for an empty name. WrongSetting says what is wrong with the file."""
    if not file:
        return {}
    try:
        table = tomllib.loads(Path(file).read_text())
        return {name: FlatPrice.model_validate(price) for name, price in table.get("models", {}).items()}
    except OSError as error:
        raise WrongSetting(f"can't read the prices file {file}: {error.strerror}", "Check DAYDREAM_PRICES_FILE") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        what = f"{' '.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise WrongSetting(f"a price in {file} is not valid ({what})", MEND_PRICES) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise WrongSetting(f"the prices file {file} is not valid: {error}", MEND_PRICES) from None


def to_nanousd(usd: Decimal) -> int:
    """Whole nano-dollars, rounded up: a bound must not be too low by a rounding."""
    return int((usd * NANOUSD_PER_USD).to_integral_value(ROUND_CEILING))


def input_tokens_bound(text_bytes: int, messages: int) -> int:
    """Most tokens that a prompt can have in any byte-level tokenizer: a token a UTF-8 byte, and 16 a message and one more
    message for the answer's opening. `text_bytes` includes the schema of the answer."""
    return text_bytes + TOKENS_PER_MESSAGE * (messages + 1)


def upper_bound_nanousd(price: Price, text_bytes: int, messages: int, output_tokens_max: int) -> int:
    """The most that a call can cost: nothing cached, and every output token used."""
    return price.cost_nanousd(TokenUsage(input_tokens_bound(text_bytes, messages), output_tokens_max))
