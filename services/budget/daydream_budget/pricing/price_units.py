"""Find prices in the operator's file that are in another unit than dollars per million tokens.

Three rules. A price must be in the range of what models cost. The price of a model that the bundled
list knows must not be far from the list's. And a model of text that the list does not know is not
among the cheapest ones. In the list of 2026-11 the cheapest input costs
$0.003 (a reranker), the cheapest output $0.01, the cheapest cached input $0.0011, and the most
expensive output $600. So a price per thousand tokens is found for every model of the list, and for
every other one with an input below $20 or an output below $30; prices per token are found for all
models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal

from daydream_budget.pricing.catalog import ListPrice

USD_PER_MTOK_MAX = Decimal(1000)
USD_PER_MTOK_MIN = Decimal("0.0001")
INPUT, OUTPUT = "input_usd_per_mtok", "output_usd_per_mtok"
LOWEST = {INPUT: Decimal("0.001"), OUTPUT: Decimal("0.005")}
LOWEST_UNLISTED = {INPUT: Decimal("0.02"), OUTPUT: Decimal("0.03")}
"""Hosts of open models ask at least this much. Embeddings, which have no output, cost less."""
LIST_FACTOR_MAX = 50  # resellers and discounts differ less; a wrong unit differs by 100 or more
ATTOUSD_PER_USD_PER_MTOK = 10**12  # the list's unit is 10⁻¹⁸ dollars per token
WRONG_UNITS = (
    (Decimal(1000), "the price of a thousand tokens"),
    (Decimal(1_000_000), "the price of one token"),
    (Decimal("0.01"), "a price in cents"),
)


def check_range(prices: Mapping[str, Decimal | None], lowest: Mapping[str, Decimal]) -> None:
    """Raise ValueError for a price outside of what models cost. Zero is a price, too."""
    for name, usd in prices.items():
        low = lowest.get(name, USD_PER_MTOK_MIN)
        if usd and not low <= usd <= USD_PER_MTOK_MAX:
            usual = Decimal(1) if usd < low else USD_PER_MTOK_MAX / 10
            raise ValueError(_text(name, usd, usual, "is not plausible"))


def check_list(model: str, prices: Mapping[str, Decimal | None]) -> None:
    """Raise ValueError for a price that is far from the bundled list's price of this model.

    If the list does not know the model, raise it for a lower price than such models have.
    """
    known = dict(_listed(model))
    if not known and prices.get(OUTPUT):
        _check_unlisted(prices)
    for name, listed in known.items():
        usd = prices.get(name)
        if usd and not listed / LIST_FACTOR_MAX <= usd <= listed * LIST_FACTOR_MAX:
            text = f"is far from the bundled list's ${_plain(listed)}"
            raise ValueError(_text(name, usd, listed, text))


def _check_unlisted(prices: Mapping[str, Decimal | None]) -> None:
    for name, lowest in LOWEST_UNLISTED.items():
        usd = prices.get(name)
        if usd and usd < lowest:
            raise ValueError(_text(name, usd, Decimal(1), "is low for a model that is not listed"))


def _listed(model: str) -> Iterator[tuple[str, Decimal]]:
    try:
        tariffs = ListPrice(model).tariffs()
    except LookupError:
        return
    rates = tariffs[0].tiers[0]
    for name, attousd in ((INPUT, rates.input), (OUTPUT, rates.output)):
        if attousd:
            yield name, Decimal(attousd) / ATTOUSD_PER_USD_PER_MTOK


def _text(name: str, usd: Decimal, usual: Decimal, problem: str) -> str:
    """Return the problem, with the unit that would bring the price nearest to a usual one."""
    factor, unit = min(WRONG_UNITS, key=lambda row: abs((usd * row[0] / usual).ln()))
    return (
        f"{name}: ${_plain(usd)} for a million tokens {problem}. If it is {unit}, "
        f"write {_plain(usd * factor)}; confirmed = true if it is meant"
    )


def _plain(usd: Decimal) -> str:
    return f"{Decimal(format(usd, '.9g')).normalize():f}"
