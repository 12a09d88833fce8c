"""What bills above their upper bounds teach of a model, so that the next bounds cover such bills.

Some providers bill a multiple of the list's price, others a fixed amount a call: a bill raises the
factor of all bounds, and the lowest one. Both only grow, so what replicas learned merges in any
order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

from daydream_budget.ledger.controls import usd
from daydream_budget.pricing.tariff import Price
from daydream_contracts.number_limits import NANOUSD_MAX

PERCENT = 100
MARGIN_PERCENT = 125  # bills differ: without it a slightly higher one would be an overrun again
PERCENT_MAX = 1_000_000
KEY_CHARS = 16


class LearnedMarkup(BaseModel):
    """How much higher than by the price list the bounds of one model are."""

    model_config = ConfigDict(frozen=True)

    percent: int = Field(PERCENT, ge=PERCENT, le=PERCENT_MAX)
    lowest_nanousd: int = Field(0, ge=0, le=NANOUSD_MAX)

    def bound_nanousd(self, listed_nanousd: int) -> int:
        """Return the bound of a call that costs at most `listed_nanousd` by the price list."""
        return max(self.lowest_nanousd, -(-listed_nanousd * self.percent // PERCENT))

    def after(self, listed_nanousd: int, billed_nanousd: int) -> Self:
        """Return what a bill above the bound teaches: bounds that cover one like it."""
        wanted = billed_nanousd * MARGIN_PERCENT
        percent = -(-wanted // listed_nanousd) if listed_nanousd else PERCENT
        lowest = -(-wanted // PERCENT)
        return self.merge(
            type(self)(
                percent=min(max(percent, PERCENT), PERCENT_MAX),
                lowest_nanousd=min(lowest, NANOUSD_MAX),
            )
        )

    def merge(self, other: LearnedMarkup) -> Self:
        """Return what either of two replicas has learned."""
        return type(self)(
            percent=max(self.percent, other.percent),
            lowest_nanousd=max(self.lowest_nanousd, other.lowest_nanousd),
        )

    def lines(self) -> list[str]:
        """Say in one line what bills taught, if they taught anything."""
        if self == type(self)():
            return []
        times = f"{self.percent / PERCENT:.1f}".removesuffix(".0")
        lowest = usd(self.lowest_nanousd)
        return [f"upper bounds are {times} times the price list's, at least {lowest}, after a bill"]


def merge_bills(
    mine: Mapping[str, LearnedMarkup], theirs: Mapping[str, LearnedMarkup]
) -> dict[str, LearnedMarkup]:
    """Return what either of two replicas has learned, by price."""
    return {
        price: mine.get(price, LearnedMarkup()).merge(theirs.get(price, LearnedMarkup()))
        for price in sorted(mine.keys() | theirs.keys())
    }


def price_key(price: Price) -> str:
    """Return a name for what a price says now: a markup is about one price."""
    return hashlib.sha256(repr(price.tariffs()).encode()).hexdigest()[:KEY_CHARS]
