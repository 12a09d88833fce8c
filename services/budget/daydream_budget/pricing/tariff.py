"""Compute nano-dollars from tokens. A tariff is the price of a model at one moment.

All amounts are whole numbers of 10⁻¹⁸ dollars per token. So a cost is exact up to its one rounding,
which is up, and an upper bound is never below a cost by a rounding.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Literal, Protocol

from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.number_limits import NANOUSD_MAX

ATTOUSD_PER_NANOUSD = 10**9
ATTOUSD_PER_USD = 10**18


class Price(Protocol):
    """The price of one model, now and at other times."""

    def cost_nanousd(
        self, usage: TokenUsage, at: datetime | None = None, batch: bool = False
    ) -> int:
        """Return the cost of this usage at that time (None: now), rounded up to nano-dollars."""
        ...

    def tariffs(self, at: datetime | None = None, batch: bool = False) -> tuple[Tariff, ...]:
        """Return what may apply at that time, the usual tariff first, then those of service tiers.

        None: at any time from now on.
        """
        ...

    def source(self, at: datetime | None = None) -> PriceSource:
        """Return where the price at that time (None: now) comes from, and since when it holds."""
        ...


@dataclass(frozen=True)
class PriceSource:
    """Where a price comes from. `since` is its start; None: it has no start."""

    source: Literal["free", "file", "time", "list"]
    detail: str
    since: datetime | None = None


@dataclass(frozen=True)
class TokenRates:
    """Prices per token of each kind in 10⁻¹⁸ dollars, for calls above `above` input tokens."""

    above: int
    input: int
    output: int
    cached: int
    written: int
    reasoning: int

    def attousd(self, usage: TokenUsage) -> int:
        """Return the price of these tokens in 10⁻¹⁸ dollars."""
        plain = usage.input_tokens - usage.cached_input_tokens - usage.cache_write_tokens
        return (
            plain * self.input
            + usage.cached_input_tokens * self.cached
            + usage.cache_write_tokens * self.written
            + (usage.output_tokens - usage.reasoning_tokens) * self.output
            + usage.reasoning_tokens * self.reasoning
        )

    @property
    def input_max(self) -> int:
        """Return the price of the most expensive kind of input token."""
        return max(self.input, self.cached, self.written)

    @property
    def output_max(self) -> int:
        """Return the price of the most expensive kind of output token."""
        return max(self.output, self.reasoning)


@dataclass(frozen=True)
class Tariff:
    """Rates by context length and a fee per call, for calls served in one service tier.

    `tiers` ascend from 0; one of them prices a call as a whole. `service_tier` empty: the usual
    one.
    """

    tiers: tuple[TokenRates, ...]
    fee: int = 0
    service_tier: str = ""

    def cost_nanousd(self, usage: TokenUsage) -> int:
        """Return the cost of this usage."""
        plausible = usage.plausible()
        rates = next(
            rates
            for rates in reversed(self.tiers)
            if plausible.input_tokens > rates.above or rates is self.tiers[0]
        )
        return _nanousd(self.fee + rates.attousd(plausible))

    def upper_bound_nanousd(self, input_tokens_max: int, output_tokens_max: int) -> int:
        """Return the maximum cost of any usage within these tokens.

        It counts the most expensive kind of each token in each tier that they reach.
        """
        ends = (*(rates.above for rates in self.tiers[1:]), input_tokens_max)
        return max(
            _nanousd(
                self.fee
                + min(end, input_tokens_max) * rates.input_max
                + output_tokens_max * rates.output_max
            )
            for rates, end in zip(self.tiers, ends, strict=True)
            if rates.above < input_tokens_max or rates is self.tiers[0]
        )

    def first_input_token_nanousd(self) -> int:
        """Return the maximum cost of one more input token of a short prompt."""
        return _nanousd(self.tiers[0].input_max)

    def input_token_nanousd(self) -> int:
        """Return the maximum cost of one more input token within a tier."""
        return _nanousd(max(rates.input_max for rates in self.tiers))


def cost_by(tariffs: Sequence[Tariff], usage: TokenUsage) -> int:
    """Return the cost in the service tier that served the call.

    The usual tariff, which is the first, applies if that tier has no price.
    """
    tier = usage.service_tier
    served = next((tariff for tariff in tariffs if tariff.service_tier == tier), tariffs[0])
    return served.cost_nanousd(usage)


def highest_nanousd(
    tariffs: Iterable[Tariff], input_tokens_max: int, output_tokens_max: int
) -> int:
    """Return the maximum cost of a call under any of these tariffs."""
    return max(
        tariff.upper_bound_nanousd(input_tokens_max, output_tokens_max) for tariff in tariffs
    )


def attousd(usd: Decimal, per: int = 1) -> int:
    """Return dollars per `per` units as 10⁻¹⁸ dollars per unit, rounded up."""
    return int((usd * (ATTOUSD_PER_USD // per)).to_integral_value(ROUND_CEILING))


def to_nanousd(usd: Decimal) -> int:
    """Return whole nano-dollars, rounded up: a bound must not be too low by a rounding."""
    return int((usd * ATTOUSD_PER_NANOUSD).to_integral_value(ROUND_CEILING))


def _nanousd(amount: int) -> int:
    """Return whole nano-dollars, rounded up. No call costs more than the maximum of any amount."""
    return min(-(-amount // ATTOUSD_PER_NANOUSD), NANOUSD_MAX)
