"""The operator's file of prices: every key, and what is refused before it can do harm."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest

from daydream_budget.pricing.bounds import call_bound_nanousd
from daydream_budget.pricing.explain import explain
from daydream_budget.pricing.price_file import FlatPrice, read_prices
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.errors import ConfigurationError

SIMPLE = "input_usd_per_mtok = 1\noutput_usd_per_mtok = 2\n"
Read = Callable[[str], FlatPrice]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_price(lines: str) -> FlatPrice:
        file = tmp_path / "prices.toml"
        file.write_text(f'[models."m"]\n{lines}')
        return read_prices(str(file))["m"]

    return read_price


def test_the_operators_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(
        """
        [models."m"]
        input_usd_per_mtok = 0.15
        output_usd_per_mtok = "0.60"
        [models."org/n"]
        input_usd_per_mtok = 0
        output_usd_per_mtok = 0
        """
    )
    prices = read_prices(str(file))
    assert set(prices) == {"m", "org/n"}
    assert prices["m"].cost_nanousd(TokenUsage(1, 1)) == 750


def test_without_a_file_there_are_no_prices_of_our_own() -> None:
    assert read_prices("") == {}


def test_each_kind_of_token_has_its_price(read: Read) -> None:
    price = read(
        SIMPLE
        + "cached_input_usd_per_mtok = 0.5\ncache_write_usd_per_mtok = 1.25\n"
        + "reasoning_usd_per_mtok = 3\n"
    )
    usage = TokenUsage(
        1000, 100, cached_input_tokens=400, cache_write_tokens=200, reasoning_tokens=60
    )
    assert price.cost_nanousd(usage) == 400 * 1000 + 400 * 500 + 200 * 1250 + 40 * 2000 + 60 * 3000


def test_a_tier_counts_for_the_whole_call_from_one_token_above_its_start(read: Read) -> None:
    price = read(
        SIMPLE
        + "tiers = [{above_input_tokens = 1000, input_usd_per_mtok = 2, output_usd_per_mtok = 3}]"
    )
    assert price.cost_nanousd(TokenUsage(1000, 10)) == 1000 * 1000 + 10 * 2000
    assert price.cost_nanousd(TokenUsage(1001, 10)) == 1001 * 2000 + 10 * 3000


def test_a_batch_has_a_factor_or_prices_of_its_own(read: Read) -> None:
    usage = TokenUsage(1000, 100)
    assert read(SIMPLE).cost_nanousd(usage, batch=True) == 1000 * 1000 + 100 * 2000
    assert (
        read(SIMPLE + "batch_factor = 0.5").cost_nanousd(usage, batch=True)
        == 1000 * 500 + 100 * 1000
    )
    assert (
        read(
            SIMPLE + "batch_input_usd_per_mtok = 0.25\nbatch_output_usd_per_mtok = 1.5"
        ).cost_nanousd(usage, batch=True)
        == 1000 * 250 + 100 * 1500
    )


def test_the_surcharge_of_a_region_or_a_reseller_comes_on_top_of_everything_also_of_the_fee(
    read: Read,
) -> None:
    price = read(SIMPLE + "surcharge = 1.055\nusd_per_call = 0.01")
    assert (
        price.cost_nanousd(TokenUsage(1000, 100))
        == (10_000_000 + 1000 * 1000 + 100 * 2000) * 1055 // 1000
    )
    assert call_bound_nanousd(price, 1000, 100) == price.cost_nanousd(TokenUsage(1000, 100))


def test_what_was_served_in_another_service_tier_is_priced_by_it_and_the_bound_covers_the_dearest(
    read: Read,
) -> None:
    price = read(SIMPLE + "service_tiers = {flex = 0.5, priority = 2}")
    usual = price.cost_nanousd(TokenUsage(1000, 0))
    assert [
        price.cost_nanousd(TokenUsage(1000, 0, service_tier=name))
        for name in ("default", "flex", "priority")
    ] == [usual, usual // 2, usual * 2]
    assert call_bound_nanousd(price, 1000, 0) == usual * 2


def test_an_own_machine_is_priced_by_its_hour_and_its_throughput(read: Read) -> None:
    price = read(
        "usd_per_gpu_hour = 3.6\ngpus = 2\ninput_tokens_per_s = 4000\noutput_tokens_per_s = 100\n"
    )
    assert (
        price.cost_nanousd(TokenUsage(4000, 0))
        == price.cost_nanousd(TokenUsage(0, 100))
        == 2_000_000
    )  # each a second of $0.002
    assert explain("m", price, input_tokens=1, output_tokens=1).source == "time"


def test_a_call_may_have_a_flat_price(read: Read) -> None:
    price = read("input_usd_per_mtok = 0\noutput_usd_per_mtok = 0\nusd_per_call = 0.002")
    assert (
        price.cost_nanousd(TokenUsage(5, 5)) == call_bound_nanousd(price, 10**6, 10**6) == 2_000_000
    )


@pytest.mark.fault("F21", invariant="calls keep the price of their time")
def test_the_price_at_the_time_of_the_call_counts_so_old_calls_keep_theirs(read: Read) -> None:
    later = "[[models.m.dated]]\nfrom = {}\ninput_usd_per_mtok = {}\noutput_usd_per_mtok = 1\n"
    price = read(
        SIMPLE + later.format("2026-06-01", 5) + later.format("2026-03-01T12:00:00+01:00", 3)
    )
    usage = TokenUsage(1000, 0)

    def at(*when: int) -> int:
        return price.cost_nanousd(usage, datetime(*when, tzinfo=UTC))  # type: ignore[arg-type,misc]

    assert (
        at(2025, 1, 1),
        at(2026, 3, 1, 10, 59),
        at(2026, 3, 1, 11),
        at(2026, 5, 31, 23, 59),
        at(2026, 6, 1),
    ) == (
        1_000_000,
        1_000_000,
        3_000_000,
        3_000_000,
        5_000_000,
    )
    assert (
        price.cost_nanousd(usage, datetime(2026, 6, 1, 1, tzinfo=timezone(timedelta(hours=2))))
        == 3_000_000
    )  # not yet June in UTC
    assert explain(
        "m", price, input_tokens=1, output_tokens=1, at=datetime(2026, 7, 1, tzinfo=UTC)
    ).since == datetime(2026, 6, 1, tzinfo=UTC)


def test_a_price_that_will_rise_is_bounded_by_the_later_price(read: Read) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    price = read(
        SIMPLE
        + f"[[models.m.dated]]\nfrom = {tomorrow}\n"
        + "input_usd_per_mtok = 4\noutput_usd_per_mtok = 4\n"
    )
    assert price.cost_nanousd(TokenUsage(1000, 0)) == 1_000_000
    assert call_bound_nanousd(price, 1000, 0) == 4_000_000
    now = datetime.now(UTC)
    assert call_bound_nanousd(price, 1000, 0, span=(now, now + timedelta(minutes=3))) == 1_000_000


@pytest.mark.parametrize(
    "wrong",
    [
        "input_usd_per_mtok = 150000\noutput_usd_per_mtok = 600000",
        "input_usd_per_mtok = 0.00000015\noutput_usd_per_mtok = 0.0000006",
    ],
)
def test_a_price_per_token_instead_of_per_million_is_refused(read: Read, wrong: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"not plausible.*; confirmed = true if it is meant"
    ):
        read(wrong)


def test_an_unusual_price_passes_when_it_is_confirmed(read: Read) -> None:
    price = read("input_usd_per_mtok = 1500\noutput_usd_per_mtok = 6000\nconfirmed = true")
    assert price.cost_nanousd(TokenUsage(1000, 0)) == 1_500_000_000


INPUT, OUTPUT = "input_usd_per_mtok = {}\n", "output_usd_per_mtok = {}\n"
SAME_TIER = "{above_input_tokens = 9, input_usd_per_mtok = 2, output_usd_per_mtok = 2},"
SAME_DAY = "{from = 2026-01-01, input_usd_per_mtok = 2, output_usd_per_mtok = 2},"
REFUSED = (
    ("not toml", "is not valid"),
    (INPUT.format(1), "output_usd_per_mtok is missing"),
    (INPUT.format(-1) + OUTPUT.format(1), "input_usd_per_mtok"),
    (INPUT.format("nan") + OUTPUT.format(1), "input_usd_per_mtok"),
    (SIMPLE + "imput = 1", "m imput: there is no such key"),
    (
        SIMPLE + "cached_input_usd_per_mtok = 1.5",
        "cached_input_usd_per_mtok is higher than input_usd_per_mtok",
    ),
    (SIMPLE + "batch_output_usd_per_mtok = 3", "batch_output_usd_per_mtok is higher"),
    (SIMPLE + "batch_factor = 1.5", "batch_factor"),
    (SIMPLE + "surcharge = 0", "surcharge"),
    (SIMPLE + "surcharge = 1000", "surcharge"),
    (SIMPLE + "service_tiers = {priority = -2}", "service_tiers priority"),
    (SIMPLE + "usd_per_call = 20", "usd_per_call = 20 is not plausible"),
    (
        SIMPLE + "tiers = [{above_input_tokens = 1000, input_usd_per_mtok = 2}]",
        "tiers 0: output_usd_per_mtok is missing",
    ),
    (
        SIMPLE
        + "tiers = [{above_input_tokens = 0, input_usd_per_mtok = 2, output_usd_per_mtok = 2}]",
        "above_input_tokens",
    ),
    (SIMPLE + f"tiers = [{SAME_TIER * 2}]", "the same above_input_tokens"),
    (SIMPLE + f"dated = [{SAME_DAY * 2}]", "begin on the same date"),
    (SIMPLE + "dated = [{input_usd_per_mtok = 2, output_usd_per_mtok = 2}]", "dated 0 from"),
    (SIMPLE + "usd_per_gpu_hour = 2", "can't have prices for tokens"),
    (
        "usd_per_gpu_hour = 2\ninput_tokens_per_s = 100",
        "needs usd_per_gpu_hour, input_tokens_per_s and output_tokens_per_s",
    ),
    (
        "usd_per_gpu_hour = 2\ninput_tokens_per_s = 0\noutput_tokens_per_s = 1",
        "input_tokens_per_s",
    ),
    (
        "usd_per_gpu_hour = 200000\ninput_tokens_per_s = 100\noutput_tokens_per_s = 1",
        "not plausible",
    ),
)


@pytest.mark.parametrize(("lines", "error"), REFUSED)
def test_an_invalid_price_is_refused_in_one_line_that_names_the_error(
    read: Read, lines: str, error: str
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        read(lines)
    assert error in wrong.value.problem
    assert "prices.toml" in wrong.value.problem
    assert "\n" not in str(wrong.value)
    assert "docs/prices.md" in wrong.value.fix


@pytest.mark.parametrize("text", ["models = 3", "[model.m]\n" + SIMPLE, "[models]\nm = 1"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "prices.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"prices\.toml"):
        read_prices(str(file))


def test_a_file_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="DAYDREAM_PRICES_FILE"):
        read_prices(str(tmp_path / "nowhere.toml"))


def test_every_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    text = (Path(__file__).parents[4] / "docs" / "prices.md").read_text(encoding="utf-8")
    examples = [block.split("```")[0] for block in text.split("```toml\n")[1:]]
    assert len(examples) > 3
    for example in examples:
        file = tmp_path / "prices.toml"
        file.write_text(example)
        assert all(
            price.cost_nanousd(TokenUsage(1000, 100)) > 0
            for price in read_prices(str(file)).values()
        )


def test_every_key_is_documented() -> None:
    text = (Path(__file__).parents[4] / "docs" / "prices.md").read_text(encoding="utf-8")
    keys = {*FlatPrice.model_fields, "above_input_tokens", "from"}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_a_price_is_exact_in_decimals() -> None:
    assert (
        FlatPrice(
            input_usd_per_mtok=Decimal("0.1"), output_usd_per_mtok=Decimal("0.2")
        ).cost_nanousd(TokenUsage(3, 0))
        == 300
    )
