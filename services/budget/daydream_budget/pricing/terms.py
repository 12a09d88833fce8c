"""The terms of a price in the operator's file, with checks. docs/prices.md explains every key."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from daydream_budget.pricing.price_units import LOWEST, check_range
from daydream_budget.pricing.tariff import Tariff, TokenRates, attousd

MTOK = 1_000_000
USD_PER_CALL_MAX = 10

BY_TIME = {"usd_per_gpu_hour", "gpus", "input_tokens_per_s", "output_tokens_per_s"}
DISCOUNTS = {
    "cached_input_usd_per_mtok": "input_usd_per_mtok",
    "batch_input_usd_per_mtok": "input_usd_per_mtok",
    "batch_output_usd_per_mtok": "output_usd_per_mtok",
}

Usd = Annotated[Decimal, Field(ge=0, lt=10**9)]
Rate = Annotated[Decimal, Field(gt=0, lt=10**9)]
Factor = Annotated[Decimal, Field(gt=0, le=100)]


class TokenPrices(BaseModel):
    """Prices per million tokens of each kind, in US dollars."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    input_usd_per_mtok: Usd | None = None
    output_usd_per_mtok: Usd | None = None
    cached_input_usd_per_mtok: Usd | None = None
    cache_write_usd_per_mtok: Usd | None = None
    reasoning_usd_per_mtok: Usd | None = None
    batch_input_usd_per_mtok: Usd | None = None
    batch_output_usd_per_mtok: Usd | None = None
    confirmed: bool = False

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        prices = {
            name: value for name, value in self if name.endswith("_per_mtok") and value is not None
        }
        if not self.confirmed:
            check_range(prices, LOWEST)
        for discounted, full in DISCOUNTS.items():
            if prices.get(discounted, 0) > prices.get(full, 10**9):
                raise ValueError(f"{discounted} is higher than {full}, so no bound would hold")
        return self

    def rates(self, above: int, surcharge: Decimal, batch_factor: Decimal | None) -> TokenRates:
        """Return the rates above a number of input tokens, `surcharge` included.

        `batch_factor` None: not in a batch. A batch price wins over the factor.
        """
        zero = Decimal(0)
        plain, output = self.input_usd_per_mtok or zero, self.output_usd_per_mtok or zero
        if batch_factor is None:
            input_price, output_price, factor = plain, output, Decimal(1)
        else:
            factor = batch_factor
            own_input, own_output = self.batch_input_usd_per_mtok, self.batch_output_usd_per_mtok
            input_price = plain * factor if own_input is None else own_input
            output_price = output * factor if own_output is None else own_output

        def rate(own: Decimal | None, default: Decimal) -> int:
            return attousd((default if own is None else own * factor) * surcharge, MTOK)

        return TokenRates(
            above=above,
            input=rate(None, input_price),
            output=rate(None, output_price),
            cached=rate(self.cached_input_usd_per_mtok, input_price),
            written=rate(self.cache_write_usd_per_mtok, input_price),
            reasoning=rate(self.reasoning_usd_per_mtok, output_price),
        )


class TierPrice(TokenPrices):
    """The price of a whole call above a number of input tokens."""

    above_input_tokens: int = Field(gt=0)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        _require_both(self)
        return self


class PriceTerms(TokenPrices):
    """All terms of a price, from some day on."""

    tiers: tuple[TierPrice, ...] = ()
    batch_factor: Decimal = Field(Decimal(1), gt=0, le=1)
    usd_per_call: Usd = Decimal(0)
    surcharge: Factor = Decimal(1)
    service_tiers: dict[str, Factor] = Field(default_factory=dict)
    usd_per_gpu_hour: Usd | None = None
    gpus: Rate = Decimal(1)
    input_tokens_per_s: Rate | None = None
    output_tokens_per_s: Rate | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        starts = [tier.above_input_tokens for tier in self.tiers]
        if len(set(starts)) < len(starts):
            raise ValueError("two tiers have the same above_input_tokens")
        if self.usd_per_call > USD_PER_CALL_MAX and not self.confirmed:
            raise ValueError(
                f"usd_per_call = {self.usd_per_call:f} is not plausible in dollars for one call; "
                "confirmed = true if it is meant"
            )
        if BY_TIME & self.model_fields_set:
            self._check_by_time()
        else:
            _require_both(self)
        return self

    def _check_by_time(self) -> None:
        if self.tiers or any(name.endswith("_per_mtok") for name in self.model_fields_set):
            raise ValueError("a price by time (usd_per_gpu_hour) can't have prices for tokens")
        if None in (self.usd_per_gpu_hour, self.input_tokens_per_s, self.output_tokens_per_s):
            raise ValueError(
                "a price by time needs usd_per_gpu_hour, input_tokens_per_s and output_tokens_per_s"
            )
        if not self.confirmed:
            prices = self._by_time()
            check_range(
                {"input": prices.input_usd_per_mtok, "output": prices.output_usd_per_mtok}, {}
            )

    def by_service_tier(self, batch: bool) -> tuple[Tariff, ...]:
        """Return the usual tariff, then one per service tier (a batch has no service tiers)."""
        served = {} if batch else self.service_tiers
        return self._tariff(batch), *(
            self._tariff(batch, factor, name) for name, factor in served.items()
        )

    def _tariff(self, batch: bool, service: Decimal = Decimal(1), service_tier: str = "") -> Tariff:
        base = self if self.usd_per_gpu_hour is None else self._by_time()
        factor, surcharge = self.batch_factor if batch else None, self.surcharge * service
        tiers = sorted(self.tiers, key=lambda tier: tier.above_input_tokens)
        rates = (
            base.rates(0, surcharge, factor),
            *(tier.rates(tier.above_input_tokens, surcharge, factor) for tier in tiers),
        )
        return Tariff(rates, attousd(self.usd_per_call * self.surcharge), service_tier)

    def _by_time(self) -> TokenPrices:
        """Return dollars per hour over tokens per hour.

        Reading and writing are counted as if they alternated, the more expensive way to share time.
        """
        usd_per_s = (self.usd_per_gpu_hour or Decimal(0)) * self.gpus / 3600
        read, written = (
            usd_per_s * MTOK / (rate or Decimal(1))
            for rate in (self.input_tokens_per_s, self.output_tokens_per_s)
        )
        return TokenPrices.model_construct(input_usd_per_mtok=read, output_usd_per_mtok=written)


class DatedPriceTerms(PriceTerms):
    """Terms that replace all earlier terms from a day on."""

    starts: datetime = Field(alias="from")

    @field_validator("starts")
    @classmethod
    def _day(cls, starts: datetime) -> datetime:
        """Read a date as 00:00 UTC, and a time without a zone as UTC."""
        return starts if starts.tzinfo else starts.replace(tzinfo=UTC)


def _require_both(prices: TokenPrices) -> None:
    for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
        if getattr(prices, name) is None:
            raise ValueError(f"{name} is missing")
