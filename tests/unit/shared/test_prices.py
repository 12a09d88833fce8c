"""What calls cost, and that no call can cost more than its bound."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from daydream_shared.failures import WrongSetting
from daydream_shared.money.prices import FREE, FlatPrice, ListPrice, TokenUsage, find_price, input_tokens_bound, read_prices, to_nanousd, upper_bound_nanousd
from daydream_shared.settings import ModelSettings

MINE = FlatPrice(input_usd_per_mtok=Decimal("0.15"), output_usd_per_mtok=Decimal("0.60"), cached_input_usd_per_mtok=Decimal("0.075"))
LISTED = ListPrice("gpt-4.1-mini", provider_id="openai")


def model(name: str = "m", **more: object) -> ModelSettings:
    return ModelSettings.model_validate({"name": name, "base_url": "http://127.0.0.1:1/v1", **more})


def test_a_price_of_the_operators_file_is_counted_to_the_nano_dollar() -> None:
    assert MINE.cost_nanousd(TokenUsage(1000, 100)) == 1000 * 150 + 100 * 600
    assert MINE.cost_nanousd(TokenUsage(1000, 100, cached_input_tokens=400)) == 600 * 150 + 400 * 75 + 100 * 600


def test_without_a_price_of_their_own_cached_tokens_cost_what_others_cost() -> None:
    price = FlatPrice(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(1))
    assert price.cost_nanousd(TokenUsage(10, 0, 5)) == price.cost_nanousd(TokenUsage(10, 0))


@pytest.mark.parametrize(("usd", "nanousd"), [("0", 0), ("0.0000000001", 1), ("0.000000001", 1), ("0.0000000010001", 2), ("1", 10**9)])
def test_amounts_are_rounded_up(usd: str, nanousd: int) -> None:
    assert to_nanousd(Decimal(usd)) == nanousd


def test_what_is_declared_free_is_free_even_if_the_list_has_a_price() -> None:
    assert find_price(model("gpt-4.1-mini", provider="openai", free=True), {}) is FREE
    assert FREE.cost_nanousd(TokenUsage(10**9, 10**9, 10**8)) == 0


def test_the_operators_price_wins_over_the_list() -> None:
    assert find_price(model("gpt-4.1-mini", provider="openai"), {"gpt-4.1-mini": MINE}) is MINE


def test_the_bundled_list_knows_models_by_provider_and_by_address() -> None:
    by_provider = find_price(model("gpt-4.1-mini", provider="openai"), {})
    by_address = find_price(ModelSettings(name="gpt-4.1-mini", base_url="https://api.openai.com/v1"), {})
    usage = TokenUsage(1000, 1000)
    assert by_provider.cost_nanousd(usage) == by_address.cost_nanousd(usage) > 0


def test_the_list_counts_cached_tokens_at_their_lower_price() -> None:
    assert LISTED.cost_nanousd(TokenUsage(1000, 0, 1000)) < LISTED.cost_nanousd(TokenUsage(1000, 0))
    assert LISTED.cost_nanousd(TokenUsage(1000, 0, 5000)) == LISTED.cost_nanousd(TokenUsage(1000, 0, 1000))


@pytest.mark.parametrize(
    "settings_", [model("nobody-knows-me"), model("nobody-knows-me", provider="openai"), model("gpt-4.1-mini", provider="no-such-provider")]
)
def test_a_model_without_a_price_is_refused_with_the_lines_that_would_give_it_one(settings_: ModelSettings) -> None:
    with pytest.raises(WrongSetting) as wrong:
        find_price(settings_, {})
    assert settings_.name in wrong.value.what
    assert f'[models."{settings_.name}"]' in wrong.value.mend
    for needed in ("input_usd_per_mtok", "output_usd_per_mtok", "DAYDREAM_PRICES_FILE", "DAYDREAM_MODEL_FREE=true"):
        assert needed in wrong.value.mend


def test_the_operators_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        '[models."m"]\ninput_usd_per_mtok = 0.15\noutput_usd_per_mtok = "0.60"\n[models."org/n"]\ninput_usd_per_mtok = 0\noutput_usd_per_mtok = 0\n'
    )
    prices = read_prices(str(file))
    assert set(prices) == {"m", "org/n"}
    assert prices["m"].cost_nanousd(TokenUsage(1, 1)) == 750


def test_without_a_file_there_are_no_prices_of_our_own() -> None:
    assert read_prices("") == {}


@pytest.mark.parametrize(
    "text",
    ["not toml", '[models."m"]\ninput_usd_per_mtok = 1', '[models."m"]\ninput_usd_per_mtok = -1\noutput_usd_per_mtok = 1', "models = 3",
     '[models."m"]\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\nimput = 1'],
)  # fmt: skip
def test_a_file_that_is_not_valid_is_a_wrong_setting_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(WrongSetting, match=r"prices\.toml"):
        read_prices(str(file))


def test_a_file_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(WrongSetting, match="DAYDREAM_PRICES_FILE"):
        read_prices(str(tmp_path / "nowhere.toml"))


prices = st.sampled_from(
    [MINE, LISTED, FREE, ListPrice("gpt-4o", provider_id="openai"), FlatPrice(input_usd_per_mtok=Decimal("0.0333333"), output_usd_per_mtok=Decimal("7.77"))]
)


@given(price=prices, text_bytes=st.integers(0, 400_000), messages=st.integers(1, 6), output_max=st.integers(0, 10_000), data=st.data())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_no_usage_that_a_call_can_have_costs_more_than_its_bound(
    price: FlatPrice, text_bytes: int, messages: int, output_max: int, data: st.DataObject
) -> None:
    most = input_tokens_bound(text_bytes, messages)
    input_tokens = data.draw(st.integers(0, most))
    usage = TokenUsage(input_tokens, data.draw(st.integers(0, output_max)), data.draw(st.integers(0, input_tokens)))
    assert 0 <= price.cost_nanousd(usage) <= upper_bound_nanousd(price, text_bytes, messages, output_max)


def test_a_server_that_reports_more_cached_tokens_than_input_does_not_pay_us() -> None:
    assert MINE.cost_nanousd(TokenUsage(0, 1, cached_input_tokens=1000)) >= 0


def test_cached_tokens_that_are_dearer_are_refused_since_no_bound_would_hold() -> None:
    with pytest.raises(ValidationError, match="no bound"):
        FlatPrice(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(1), cached_input_usd_per_mtok=Decimal(2))
