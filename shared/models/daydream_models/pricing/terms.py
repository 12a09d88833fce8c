"""What the operator may say about a price, and what is refused in it. docs/prices.md explains every key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from daydream_models.pricing.tariff import Tariff, TokenRates, attousd

MTOK = 1_000_000
USD_PER_MTOK_MAX = (
    1000  # above and below these it is rather a price per token, per thousand or in cents
)
USD_PER_MTOK_MIN = Decimal("0.0001")
USD_PER_CALL_MAX = 10

Usd = Annotated[Decimal, Field(ge=0, lt=10**9)]
Rate = Annotated[Decimal, Field(gt=0, lt=10**9)]
Factor = Annotated[Decimal, Field(gt=0, le=100)]


class TokenPrices(BaseModel):
    """The prices of a million tokens of each kind."""

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
        lines = {
            name: value for name, value in self if name.endswith("_per_mtok") and value is not None
        }
        if not self.confirmed:
            _be_plausible(lines)
        for name, limit in (
            ("cached_input", "input"),
            ("batch_input", "input"),
            ("batch_output", "output"),
        ):
            if lines.get(f"{name}_usd_per_mtok", 0) > lines.get(f"{limit}_usd_per_mtok", 10**9):
                raise ValueError(
                    f"{name}_usd_per_mtok is dearer than {limit}_usd_per_mtok, so no bound would hold"
                )
        return self

    def rates(self, above: int, surcharge: Decimal, batch: Decimal | None) -> TokenRates:
        """These prices with what is multiplied to them; `batch` None: not in a batch."""
        plain, output = (
            self.input_usd_per_mtok or Decimal(0),
            self.output_usd_per_mtok or Decimal(0),
        )
        in_batch = batch is not None
        factor = Decimal(1) if batch is None else batch

        def of(own: Decimal | None, default: Decimal, batch_price: Decimal | None = None) -> int:
            usd = (
                batch_price
                if in_batch and batch_price is not None
                else (default if own is None else own) * factor
            )
            return attousd(usd * surcharge, MTOK)

        batch_input, batch_output = self.batch_input_usd_per_mtok, self.batch_output_usd_per_mtok
        return TokenRates(
            above=above,
            input=of(plain, plain, batch_input),
            output=of(output, output, batch_output),
            cached=of(
                self.cached_input_usd_per_mtok,
                plain,
                batch_input if self.cached_input_usd_per_mtok is None else None,
            ),
            written=of(
                self.cache_write_usd_per_mtok,
                plain,
                batch_input if self.cache_write_usd_per_mtok is None else None,
            ),
            reasoning=of(
                self.reasoning_usd_per_mtok,
                output,
                batch_output if self.reasoning_usd_per_mtok is None else None,
            ),
        )


class TierPrice(TokenPrices):
    """The price of a whole call with more than so many input tokens."""

    above_input_tokens: int = Field(gt=0)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        _need_both(self)
        return self


class PriceTerms(TokenPrices):
    """A price with all that belongs to it, in force from some day."""

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
    def _whole(self) -> Self:
        starts = [tier.above_input_tokens for tier in self.tiers]
        if len(set(starts)) < len(starts):
            raise ValueError("two tiers have the same above_input_tokens")
        if self.usd_per_call > USD_PER_CALL_MAX and not self.confirmed:
            raise ValueError(
                f"usd_per_call = {self.usd_per_call:f} is not plausible in dollars for one call; confirmed = true if it is meant"
            )
        by_time = {
            "usd_per_gpu_hour",
            "gpus",
            "input_tokens_per_s",
            "output_tokens_per_s",
        } & self.model_fields_set
        if not by_time:
            _need_both(self)
            return self
        if self.tiers or any(name.endswith("_per_mtok") for name in self.model_fields_set):
            raise ValueError(
                "a price by time (usd_per_gpu_hour) has no prices for tokens beside it"
            )
        if (
            self.usd_per_gpu_hour is None
            or self.input_tokens_per_s is None
            or self.output_tokens_per_s is None
        ):
            raise ValueError(
                "a price by time needs usd_per_gpu_hour, input_tokens_per_s and output_tokens_per_s"
            )
        if not self.confirmed:
            by_token = self._by_time()
            _be_plausible(
                {"input": by_token.input_usd_per_mtok, "output": by_token.output_usd_per_mtok}
            )
        return self

    def by_service_tier(self, batch: bool) -> tuple[Tariff, ...]:
        """What these terms come to: usually, then in each service tier (a batch has none)."""
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
        """Dollars an hour over tokens an hour, as if reading and writing took turns, which is the dearer way to share the time."""
        usd_per_s = (self.usd_per_gpu_hour or Decimal(0)) * self.gpus / 3600
        read, wrote = (
            usd_per_s * MTOK / (rate or Decimal(1))
            for rate in (self.input_tokens_per_s, self.output_tokens_per_s)
        )
        return TokenPrices.model_construct(input_usd_per_mtok=read, output_usd_per_mtok=wrote)


class DatedPriceTerms(PriceTerms):
    """Terms that replace those before them as a whole."""

    starts: datetime = Field(alias="from")

    @field_validator("starts")
    @classmethod
    def _day(cls, starts: datetime) -> datetime:
        """A date begins at 00:00 UTC; a time without a zone is UTC."""
        return starts if starts.tzinfo else starts.replace(tzinfo=UTC)


def _be_plausible(lines: Mapping[str, Decimal | None]) -> None:
    for name, usd in lines.items():
        if usd and not USD_PER_MTOK_MIN <= usd <= USD_PER_MTOK_MAX:
            raise ValueError(
                f"{name}: ${Decimal(format(usd, '.9g')):f} for a million tokens is not plausible; confirmed = true if it is meant"
            )


def _need_both(lines: TokenPrices) -> None:
    for name in ("input_usd_per_mtok", "output_usd_per_mtok"):
        if getattr(lines, name) is None:
            raise ValueError(f"{name} is missing")
