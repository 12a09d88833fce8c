"""Prices of the bundled list (`genai-prices`, offline).

The list has tiers by context length, cached input, batch prices, dates and hours of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from genai_prices import Usage, calc_price
from genai_prices.types import ModelPrice, StartDateConstraint, TieredPrices

from daydream_budget.pricing.tariff import PriceSource, Tariff, TokenRates, attousd, cost_by
from daydream_budget.pricing.usage import TokenUsage

BATCH = {"processing": "batch"}
MTOK = 1_000_000
CALLS_PER_FEE = 1000
Prices = dict[str, Decimal | TieredPrices]


class ListPrice:
    """The list's price of one model.

    Raise LookupError if the list does not know the model, or has no price for text: that does not
    mean that the model is free.
    """

    def __init__(
        self, model: str, *, provider_id: str | None = None, provider_api_url: str | None = None
    ) -> None:
        one_token = Usage(input_tokens=1, output_tokens=1)
        if provider_api_url:
            match = calc_price(one_token, model, provider_api_url=provider_api_url)
        else:
            match = calc_price(one_token, model, provider_id=provider_id)
        self._model = match.model
        self._listed_as = (
            f"{match.model.id} of {match.provider.id}, genai-prices {version('genai-prices')}"
        )
        if not self.tariffs(datetime.now(UTC)):
            raise LookupError(f"the list has no price of text for {model}")

    def cost_nanousd(
        self, usage: TokenUsage, at: datetime | None = None, batch: bool = False
    ) -> int:
        """Return what this usage cost at that time.

        In a batch: by the batch price if the list has one, else by the usual price.
        """
        tariffs = self.tariffs(at or datetime.now(UTC), batch) or self.tariffs(None, batch)
        return cost_by(tariffs, usage)

    def tariffs(self, at: datetime | None = None, batch: bool = False) -> tuple[Tariff, ...]:
        """Return what may apply at that time; None: at any time from now on."""
        times = (at,) if at else tuple(self._times())
        prices = (self._model.get_prices(time, BATCH if batch else None) for time in times)
        return tuple(
            _tariff(price) for price in prices if vars(price).get("input_mtok") is not None
        )

    def source(self, at: datetime | None = None) -> PriceSource:
        """Return the list's names of model and provider, and its version."""
        moment = at or datetime.now(UTC)
        since = max(
            (start for start, constraint in self._starts() if constraint.active(moment)),
            default=None,
        )
        return PriceSource("list", self._listed_as, since)

    def _starts(self) -> Iterator[tuple[datetime, StartDateConstraint]]:
        if isinstance(self._model.prices, ModelPrice):
            return
        for conditional in self._model.prices:
            if isinstance(conditional.constraint, StartDateConstraint):
                yield _midnight(conditional.constraint), conditional.constraint

    def _times(self) -> Iterator[datetime]:
        """Yield now, and one time in each period of the list that is still to come."""
        now = datetime.now(UTC)
        yield now
        yield from (start for start, _ in self._starts() if start > now)
        if isinstance(self._model.prices, ModelPrice):
            return
        for conditional in self._model.prices:
            hours = conditional.constraint
            if hours is not None and not isinstance(hours, StartDateConstraint):
                # hours of the day: one price starts where another one ends
                for time in (hours.start_time, hours.end_time):
                    zone = time.tzinfo or UTC
                    yield datetime.combine(now.date(), time, zone)


def _midnight(constraint: StartDateConstraint) -> datetime:
    day = constraint.start_date
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _tariff(price: ModelPrice) -> Tariff:
    prices: Prices = {
        key: value
        for key, value in vars(price).items()
        if isinstance(value, Decimal | TieredPrices)
    }
    tiered = [value for value in prices.values() if isinstance(value, TieredPrices)]
    starts = {0, *(tier.start for value in tiered for tier in value.tiers)}
    fee = prices.get("requests_kcount", Decimal(0))
    return Tariff(
        tuple(_rates(prices, start) for start in sorted(starts)),
        attousd(_in_tier(fee, 0), CALLS_PER_FEE),
    )


def _rates(prices: Prices, above: int) -> TokenRates:
    def rate(key: str, default: int) -> int:
        return attousd(_in_tier(prices[key], above), MTOK) if key in prices else default

    plain, output = rate("input_mtok", 0), rate("output_mtok", 0)
    # usage does not say which of the two kinds of cache was written
    written = max(rate("cache_write_mtok", plain), rate("cache_write_1h_mtok", 0))
    return TokenRates(
        above=above,
        input=plain,
        output=output,
        cached=rate("cache_read_mtok", plain),
        written=written,
        reasoning=rate("output_reasoning_mtok", output),
    )


def _in_tier(price: Decimal | TieredPrices, above: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= above), price.base)
