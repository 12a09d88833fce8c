"""Prices of the bundled list (`genai-prices`, offline): tiers by context length, cached input, batch prices, dates and hours of the day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from importlib.metadata import version

from genai_prices import Usage, calc_price
from genai_prices.types import ModelPrice, StartDateConstraint, TieredPrices

from daydream_models.pricing.tariff import PriceSource, Tariff, TokenRates, attousd, cost_by
from daydream_models.pricing.usage import TokenUsage

BATCH = {"processing": "batch"}
MTOK = 1_000_000


class ListPrice:
    """What the list says about one model. LookupError when it does not know the model, or knows it without a price for text: that does not
    mean that it is free."""

    def __init__(
        self, model: str, *, provider_id: str | None = None, provider_api_url: str | None = None
    ) -> None:
        one = Usage(input_tokens=1, output_tokens=1)
        where = (
            {"provider_api_url": provider_api_url}
            if provider_api_url
            else {"provider_id": provider_id}
        )
        found = calc_price(one, model, **where)
        self._model = found.model
        self._known_as = (
            f"{found.model.id} of {found.provider.id}, genai-prices {version('genai-prices')}"
        )
        if not self.tariffs(datetime.now(UTC)):
            raise LookupError(f"the list has no price of text for {model}")

    def cost_nanousd(
        self, usage: TokenUsage, at: datetime | None = None, batch: bool = False
    ) -> int:
        """What this usage cost at that time. In a batch: the batch price where the list has one, the usual price otherwise."""
        known = self.tariffs(at or datetime.now(UTC), batch) or self.tariffs(None, batch)
        return cost_by(known, usage)

    def tariffs(self, at: datetime | None = None, batch: bool = False) -> tuple[Tariff, ...]:
        """What may apply: at that time; None: at any time from now on."""
        times = (at,) if at else tuple(self._times())
        prices = (self._model.get_prices(time, BATCH if batch else None) for time in times)
        return tuple(
            _tariff(price) for price in prices if vars(price).get("input_mtok") is not None
        )

    def origin(self, at: datetime | None = None) -> PriceSource:
        """The list, with its names for the model and the provider, and its version."""
        moment = at or datetime.now(UTC)
        since = None
        if not isinstance(self._model.prices, ModelPrice):
            begun = [
                when
                for one in self._model.prices
                if isinstance(when := one.constraint, StartDateConstraint) and when.active(moment)
            ]
            since = max((_midnight(when) for when in begun), default=None)
        return PriceSource("list", self._known_as, since)

    def _times(self) -> Iterator[datetime]:
        """Now, and a time in each stretch of the list that is still to come."""
        now = datetime.now(UTC)
        yield now
        if isinstance(self._model.prices, ModelPrice):
            return
        for conditional in self._model.prices:
            when = conditional.constraint
            if isinstance(when, StartDateConstraint):
                if (starts := _midnight(when)) > now:
                    yield starts
            elif when is not None:  # hours of the day: one price begins where another ends
                yield datetime.combine(now.date(), when.start_time, when.start_time.tzinfo or UTC)
                yield datetime.combine(now.date(), when.end_time, when.end_time.tzinfo or UTC)


def _midnight(when: StartDateConstraint) -> datetime:
    return datetime(when.start_date.year, when.start_date.month, when.start_date.day, tzinfo=UTC)


def _tariff(price: ModelPrice) -> Tariff:
    found = {
        key: value
        for key, value in vars(price).items()
        if isinstance(value, Decimal | TieredPrices)
    }
    starts = {
        0,
        *(
            tier.start
            for value in found.values()
            if isinstance(value, TieredPrices)
            for tier in value.tiers
        ),
    }
    fee = found.get("requests_kcount", Decimal(0))
    return Tariff(
        tuple(_rates(found, start) for start in sorted(starts)), attousd(_in_tier(fee, 0), 1000)
    )


def _rates(found: dict[str, Decimal | TieredPrices], above: int) -> TokenRates:
    def of(key: str, default: int) -> int:
        return attousd(_in_tier(found[key], above), MTOK) if key in found else default

    plain, output = of("input_mtok", 0), of("output_mtok", 0)
    written = max(
        of("cache_write_mtok", plain), of("cache_write_1h_mtok", 0)
    )  # which of the two it was, usage does not say
    return TokenRates(
        above,
        plain,
        output,
        of("cache_read_mtok", plain),
        written,
        of("output_reasoning_mtok", output),
    )


def _in_tier(price: Decimal | TieredPrices, above: int) -> Decimal:
    if isinstance(price, Decimal):
        return price
    return next((tier.price for tier in reversed(price.tiers) if tier.start <= above), price.base)
