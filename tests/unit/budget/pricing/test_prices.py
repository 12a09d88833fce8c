"""The cost of calls by the bundled list. (See `test_price_file` for the operator's file.)"""

from __future__ import annotations

import re
import shlex
import tomllib
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.pricing.bounds import call_bound_nanousd
from daydream_budget.pricing.catalog import BATCH, ListPrice
from daydream_budget.pricing.explain import explain
from daydream_budget.pricing.lookup import FREE, find_price, price_of
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.tariff import to_nanousd
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.errors import ConfigurationError

MINE = FlatPrice(
    input_usd_per_mtok=Decimal("0.15"),
    output_usd_per_mtok=Decimal("0.60"),
    cached_input_usd_per_mtok=Decimal("0.075"),
)
LISTED = ListPrice("gpt-4.1-mini", provider_id="openai")


def provider(**fields: object) -> ProviderConfig:
    return ProviderConfig.model_validate({"base_url": "http://127.0.0.1:1/v1", **fields})


def test_a_price_of_the_operators_file_is_counted_to_the_nano_dollar() -> None:
    assert MINE.cost_nanousd(TokenUsage(1000, 100)) == 1000 * 150 + 100 * 600
    assert (
        MINE.cost_nanousd(TokenUsage(1000, 100, cached_input_tokens=400))
        == 600 * 150 + 400 * 75 + 100 * 600
    )


def test_cached_tokens_without_their_own_price_cost_the_usual_price() -> None:
    price = FlatPrice(input_usd_per_mtok=Decimal(1), output_usd_per_mtok=Decimal(1))
    assert price.cost_nanousd(TokenUsage(10, 0, 5)) == price.cost_nanousd(TokenUsage(10, 0))


@pytest.mark.parametrize(
    ("usd", "nanousd"),
    [("0", 0), ("0.0000000001", 1), ("0.000000001", 1), ("0.0000000010001", 2), ("1", 10**9)],
)
def test_amounts_are_rounded_up(usd: str, nanousd: int) -> None:
    assert to_nanousd(Decimal(usd)) == nanousd


def test_a_model_declared_free_is_free_even_if_the_list_has_a_price() -> None:
    assert find_price("gpt-4.1-mini", provider(price_list="openai", free=True), {}) is FREE
    assert FREE.cost_nanousd(TokenUsage(10**9, 10**9, 10**8)) == 0


def test_the_operators_price_wins_over_the_list() -> None:
    assert find_price("gpt-4.1-mini", provider(price_list="openai"), {"gpt-4.1-mini": MINE}) is MINE


def test_the_bundled_list_knows_models_by_provider_and_by_address() -> None:
    by_provider = find_price("gpt-4.1-mini", provider(price_list="openai"), {})
    by_address = find_price("gpt-4.1-mini", provider(base_url="https://eu.api.openai.com/v1"), {})
    usage = TokenUsage(1000, 1000)
    assert by_provider.cost_nanousd(usage) == by_address.cost_nanousd(usage) > 0


def test_the_list_counts_cached_tokens_at_their_lower_price() -> None:
    assert LISTED.cost_nanousd(TokenUsage(1000, 0, 1000)) < LISTED.cost_nanousd(TokenUsage(1000, 0))


def test_more_cached_tokens_than_input_give_no_discount_and_no_negative_cost() -> None:
    assert LISTED.cost_nanousd(TokenUsage(1000, 0, 5000)) == LISTED.cost_nanousd(
        TokenUsage(1000, 0)
    )
    assert MINE.cost_nanousd(TokenUsage(0, 1, cached_input_tokens=1000)) == 600


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("unknown-model", provider()),
        ("unknown-model", provider(price_list="openai")),
        ("gpt-4.1-mini", provider(price_list="no-such-provider")),
    ],
)
@pytest.mark.fault("F21", invariant="a model without a price is refused")
def test_a_model_without_a_price_is_refused_with_the_lines_that_add_one(
    name: str, config: ProviderConfig
) -> None:
    with pytest.raises(ConfigurationError) as wrong:
        find_price(name, config, {})
    assert name in wrong.value.problem
    assert f'models."{name}" = {{' in wrong.value.fix
    for needed in (
        "input_usd_per_mtok",
        "output_usd_per_mtok",
        "DAYDREAM_PRICES_FILE",
        "DAYDREAM_MODEL_FREE=true",
    ):
        assert needed in wrong.value.fix


def test_the_lines_of_the_refusal_are_toml_whatever_the_models_name() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        price_of('org/a "quoted" name.gguf', {})
    (command,) = re.findall(r"echo '.*' >> prices\.toml", wrong.value.fix)
    added = shlex.split(command)[1].replace("PRICE", "1")
    assert list(tomllib.loads(added)["models"]) == ['org/a "quoted" name.gguf']


def test_a_usage_that_a_gateway_reports_is_priced_by_the_models_name_alone() -> None:
    assert price_of("gpt-4.1-mini", {}).cost_nanousd(TokenUsage(1000, 1000)) == LISTED.cost_nanousd(
        TokenUsage(1000, 1000)
    )
    assert price_of("m", {"m": MINE}).cost_nanousd(TokenUsage(1000, 0)) == 150_000


def listed_models() -> list[tuple[str, str]]:
    return [
        (model.id, provider.id)
        for provider in get_snapshot().providers
        for model in provider.models
    ]


def test_every_listed_price_equals_that_of_its_own_library_on_both_sides_of_every_tier() -> None:
    at, read = datetime(2026, 6, 15, 12, tzinfo=UTC), 0
    for name, provider in listed_models():
        try:
            price = ListPrice(name, provider_id=provider)
        except (LookupError, ValueError):
            continue
        read += 1
        for tier in price.tariffs(at)[0].tiers:
            for tokens in {1000, tier.above, tier.above + 1} - {0}:
                usage, reference_usage = (
                    TokenUsage(tokens, 300, tokens // 4),
                    Usage(input_tokens=tokens, output_tokens=300, cache_read_tokens=tokens // 4),
                )
                for batch in (False, True):
                    wanted = calc_price(
                        reference_usage,
                        name,
                        provider_id=provider,
                        genai_request_timestamp=at,
                        price_context=BATCH if batch else None,
                    ).total_price
                    assert 0 <= price.cost_nanousd(usage, at, batch) - wanted * 10**9 <= 1, (
                        name,
                        provider,
                        tokens,
                        batch,
                    )
    assert read > 300


def test_in_a_batch_the_list_price_is_the_lower_one_where_there_is_one() -> None:
    usage = TokenUsage(1000, 1000)
    assert LISTED.cost_nanousd(usage, batch=True) * 2 == LISTED.cost_nanousd(usage)
    without = ListPrice("deepseek-chat", provider_id="deepseek")
    assert without.cost_nanousd(usage, batch=True) == without.cost_nanousd(usage)


def test_off_peak_a_list_price_counts_for_its_hours_and_the_bound_for_any_hour() -> None:
    price, usage = ListPrice("deepseek-chat", provider_id="deepseek"), TokenUsage(1000, 1000)
    by_hour = [
        price.cost_nanousd(usage, datetime(2026, 6, 15, hour, 45, tzinfo=UTC)) for hour in range(24)
    ]
    assert min(by_hour) < max(by_hour) == call_bound_nanousd(price, 1000, 1000)


def test_an_explanation_names_the_source_and_the_cost_of_an_example() -> None:
    listed = explain("gpt-4.1-mini", LISTED, input_tokens=1000, output_tokens=100)
    assert (listed.source, listed.cost_nanousd, listed.upper_bound_nanousd) == (
        "list",
        560_000,
        560_000,
    )
    assert "gpt-4.1-mini of openai" in listed.detail
    assert listed.batch[0].input == listed.tiers[0].input / 2
    assert explain("m", FREE, input_tokens=1000, output_tokens=100).source == "free"
    own = explain("m", MINE, input_tokens=1000, output_tokens=100)
    assert (own.source, own.since, own.tiers[0].cached_input) == ("file", None, 0.075)
