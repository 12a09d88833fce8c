"""A price in another unit than dollars per million tokens is refused with the fix."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from genai_prices import data_snapshot
from genai_prices.types import ModelPrice, TieredPrices

from daydream_budget.pricing.price_file import FlatPrice, read_prices
from daydream_contracts.errors import ConfigurationError


def read(
    folder: Path, model: str, input_price: object, output_price: object, other_lines: str = ""
) -> FlatPrice:
    file = folder / "prices.toml"
    file.write_text(
        f'[models."{model}"]\ninput_usd_per_mtok = "{input_price}"\n'
        f'output_usd_per_mtok = "{output_price}"\n{other_lines}'
    )
    return read_prices(str(file))[model]


def listed() -> list[tuple[str, Decimal, Decimal]]:
    """Return (model, input, output) of every price of text in the bundled list."""
    rows = []
    for provider in data_snapshot.get_snapshot().providers:
        for model in provider.models:
            prices = (
                [model.prices]
                if isinstance(model.prices, ModelPrice)
                else [conditional.prices for conditional in model.prices]
            )
            for price in prices:
                if price.input_mtok is not None:
                    rows.append((model.id, _base(price.input_mtok), _base(price.output_mtok)))
    return rows


def _base(price: Decimal | TieredPrices | None) -> Decimal:
    return price.base if isinstance(price, TieredPrices) else price or Decimal(0)


def test_no_price_of_the_bundled_list_is_refused() -> None:
    rows = listed()
    assert len(rows) > 2000
    for _, input_price, output_price in rows:
        FlatPrice(input_usd_per_mtok=input_price, output_usd_per_mtok=output_price)


@pytest.mark.parametrize(
    ("input_price", "output_price"),
    [("0.003", "0.015"), ("0.0025", "0.010"), ("0.015", "0.075"), ("0.005", "0.025")],
)
def test_the_price_of_a_thousand_tokens_of_a_large_unknown_model_is_refused(
    tmp_path: Path, input_price: str, output_price: str
) -> None:
    with pytest.raises(ConfigurationError, match="price of a thousand tokens"):
        read(tmp_path, "our-own-model", input_price, output_price)
    meant = read(tmp_path, "our-own-model", input_price, output_price, "confirmed = true\n")
    assert meant.input_usd_per_mtok == Decimal(input_price)


def test_an_unknown_model_of_vectors_may_be_cheap(tmp_path: Path) -> None:
    assert read(tmp_path, "our-own-vectors", "0.01", "0").input_usd_per_mtok == Decimal("0.01")


def test_the_price_of_a_thousand_tokens_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, "quirky", "0.00015", "0.0006")
    assert "quirky: input_usd_per_mtok: $0.00015 for a million tokens" in refused.value.problem
    assert "If it is the price of a thousand tokens, write 0.15" in refused.value.problem
    assert "confirmed = true if it is meant" in refused.value.problem


@pytest.mark.parametrize(
    ("input_price", "output_price", "unit"),
    [
        ("0.00000015", "0.0000006", "the price of one token, write 0.15"),
        ("0.5", "0.002", "the price of a thousand tokens, write 2"),
        ("15000", "60000", "a price in cents, write 150"),
    ],
)
def test_the_likely_unit_is_named(
    tmp_path: Path, input_price: str, output_price: str, unit: str
) -> None:
    with pytest.raises(ConfigurationError, match=unit):
        read(tmp_path, "own-model", input_price, output_price)


@pytest.mark.parametrize(
    ("input_price", "output_price"), [("0.0025", "0.01"), ("250", "1000"), ("0.0000025", "0.00001")]
)
def test_a_known_model_is_compared_with_the_bundled_list(
    tmp_path: Path, input_price: str, output_price: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"gpt-4o .*input_usd_per_mtok|gpt-4o: input"):
        read(tmp_path, "gpt-4o", input_price, output_price)


@pytest.mark.parametrize("factor", ["0.1", "0.5", "1.1", "10"])
def test_a_discount_or_a_surcharge_on_a_known_model_passes(tmp_path: Path, factor: str) -> None:
    read(tmp_path, "gpt-4o", Decimal("2.5") * Decimal(factor), Decimal(10) * Decimal(factor))


def test_an_odd_price_of_a_known_model_passes_when_it_is_confirmed(tmp_path: Path) -> None:
    read(tmp_path, "gpt-4o", "0.0025", "0.01", "confirmed = true")
    read(tmp_path, "gpt-4o", "0", "0")


def test_later_prices_are_checked_too(tmp_path: Path) -> None:
    later = (
        '[[models."gpt-4o".dated]]\nfrom = 2027-01-01\n'
        "input_usd_per_mtok = 0.0025\noutput_usd_per_mtok = 0.01\n"
    )
    with pytest.raises(ConfigurationError, match="bundled list"):
        read(tmp_path, "gpt-4o", "2.5", "10", later)
