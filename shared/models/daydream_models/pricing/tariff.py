"""How tokens become nano-dollars: one tariff is what a model costs at one moment, whoever says so.

Whole numbers only, in units of 10⁻¹⁸ dollars a token, so that a cost is exact up to its one rounding, which is up, and a bound is never
below a cost by a rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Literal, Protocol

from daydream_models.pricing.usage import TokenUsage

ATTOUSD_PER_NANOUSD = 10**9
ATTOUSD_PER_USD = 10**18


class Price(Protocol):
    """The price of one model, now and at other times."""

    def cost_nanousd(
        self, usage: TokenUsage, at: datetime | None = None, batch: bool = False
    ) -> int:
        """What this usage costs at that time (None: now), in a batch or not; rounded up to whole nano-dollars."""
        ...

    def tariffs(self, at: datetime | None = None, batch: bool = False) -> tuple[Tariff, ...]:
        """What may apply: at that time (the usual one first, then those of service tiers); None: at any time from now on."""
        ...

    def origin(self, at: datetime | None = None) -> PriceSource:
        """Who says so, and since when it is so, at that time (None: now)."""
        ...


@dataclass(frozen=True)
class PriceSource:
    """Where a price is from. `since` None: from the beginning."""

    source: Literal["free", "file", "time", "list"]
    detail: str
    since: datetime | None = None


@dataclass(frozen=True)
class TokenRates:
    """What one token of each kind costs, in 10⁻¹⁸ dollars, in calls with more than `above` input tokens."""

    above: int
    input: int
    output: int
    cached: int
    written: int
    reasoning: int

    def attousd(self, usage: TokenUsage) -> int:
        plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        return (
            plain * self.input
            + usage.cached_input_tokens * self.cached
            + usage.cache_write_tokens * self.written
            + (usage.output_tokens - usage.reasoning_tokens) * self.output
            + usage.reasoning_tokens * self.reasoning
        )

    @property
    def dearest_input(self) -> int:
        """The dearest kind of input token."""
        return max(self.input, self.cached, self.written)

    @property
    def dearest_output(self) -> int:
        """The dearest kind of output token."""
        return max(self.output, self.reasoning)


@dataclass(frozen=True)
class Tariff:
    """Rates by context length, ascending and the first from 0 (a call is paid at one rate as a whole), and a fee a call, for calls that
    the provider served in this service tier; empty: in the usual one."""

    tiers: tuple[TokenRates, ...]
    fee: int = 0
    service_tier: str = ""

    def cost_nanousd(self, usage: TokenUsage) -> int:
        """What this usage costs."""
        known = usage.believable()
        rates = next(
            rates
            for rates in reversed(self.tiers)
            if known.input_tokens > rates.above or rates is self.tiers[0]
        )
        return _nanousd(self.fee + rates.attousd(known))

    def upper_bound_nanousd(self, input_tokens_max: int, output_tokens_max: int) -> int:
        """The most that any usage within these tokens can cost: in each tier that they reach, the dearest kind of each token."""
        ends = (*(rates.above for rates in self.tiers[1:]), input_tokens_max)
        return max(
            _nanousd(
                self.fee
                + min(end, input_tokens_max) * rates.dearest_input
                + output_tokens_max * rates.dearest_output
            )
            for rates, end in zip(self.tiers, ends, strict=True)
            if rates.above < input_tokens_max or rates is self.tiers[0]
        )

    def input_token_nanousd(self) -> int:
        """The most that one more input token can add inside a tier."""
        return _nanousd(max(rates.dearest_input for rates in self.tiers))


def cost_by(tariffs: Sequence[Tariff], usage: TokenUsage) -> int:
    """What this usage costs in the service tier in which it was served; in the usual one, the first, where that one has no price."""
    served = next(
        (tariff for tariff in tariffs if tariff.service_tier == usage.service_tier), tariffs[0]
    )
    return served.cost_nanousd(usage)


def highest_nanousd(
    tariffs: Iterable[Tariff], input_tokens_max: int, output_tokens_max: int
) -> int:
    """The most that a call can cost under any of these."""
    return max(
        tariff.upper_bound_nanousd(input_tokens_max, output_tokens_max) for tariff in tariffs
    )


def attousd(usd: Decimal, per: int = 1) -> int:
    """Dollars `per` so many, as 10⁻¹⁸ dollars for one, rounded up."""
    return int((usd * (ATTOUSD_PER_USD // per)).to_integral_value(ROUND_CEILING))


def to_nanousd(usd: Decimal) -> int:
    """Whole nano-dollars, rounded up: a bound must not be too low by a rounding."""
    return int((usd * ATTOUSD_PER_NANOUSD).to_integral_value(ROUND_CEILING))


def _nanousd(amount: int) -> int:
    return -(-amount // ATTOUSD_PER_NANOUSD)
