"""No call costs more than its bound, for any price and any report of the server."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_budget.pricing.bounds import (
    call_bound_nanousd,
    input_byte_nanousd,
    input_tokens_bound,
    prompt_tokens_bound,
    upper_bound_nanousd,
)
from daydream_budget.pricing.catalog import ListPrice
from daydream_budget.pricing.lookup import FREE
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.tariff import Price
from daydream_budget.pricing.tokens import _counter, counter_for, vocabulary_of
from daydream_budget.pricing.usage import TokenUsage

OPENAI = "https://api.openai.com/v1"
NOW = datetime.now(UTC)
LISTED = [
    ("gpt-4.1-mini", "openai"),
    ("gpt-4o", "openai"),
    ("gemini-2.5-pro", "google"),
    ("claude-sonnet-4-5", "anthropic"),
    ("deepseek-chat", "deepseek"),
]

usd = st.decimals(Decimal("0.005"), 900, places=4)
factors = st.decimals(Decimal("0.1"), 3, places=3)


@st.composite
def token_prices(draw: st.DrawFn) -> dict[str, Decimal]:
    """Prices of tokens. A cached token never costs more than a plain one; others may vary."""
    plain, output = draw(usd), draw(usd)
    prices = {"input_usd_per_mtok": plain, "output_usd_per_mtok": output}
    for name, limit in (
        ("cached_input", plain),
        ("batch_input", plain),
        ("batch_output", output),
        ("cache_write", None),
        ("reasoning", None),
    ):
        if draw(st.booleans()):
            prices[f"{name}_usd_per_mtok"] = draw(
                st.decimals(Decimal("0.001"), limit or 900, places=4)
            )
    return prices


@st.composite
def terms(draw: st.DrawFn) -> dict[str, object]:
    starts = draw(st.lists(st.integers(1, 60_000), unique=True, max_size=3))
    return {
        **draw(token_prices()),
        "tiers": [{**draw(token_prices()), "above_input_tokens": start} for start in starts],
        "usd_per_call": draw(st.decimals(0, 1, places=6)),
        "surcharge": draw(factors),
        "batch_factor": draw(st.decimals(Decimal("0.1"), 1, places=2)),
        "service_tiers": draw(st.dictionaries(st.sampled_from(["flex", "priority"]), factors)),
    }


@st.composite
def file_prices(draw: st.DrawFn) -> FlatPrice:
    days = draw(st.lists(st.integers(-20, 20), unique=True, max_size=2))
    return FlatPrice.model_validate(
        {
            **draw(terms()),
            "dated": [{**draw(terms()), "from": NOW + timedelta(days=day)} for day in days],
        }
    )


prices = st.one_of(
    file_prices(),
    st.sampled_from([FREE, *(ListPrice(name, provider_id=provider) for name, provider in LISTED)]),
)


@st.composite
def usages(draw: st.DrawFn, input_max: int, output_max: int) -> TokenUsage:
    """A usage that a server may report within these tokens, right or wrong about the rest."""
    anything = st.integers(-10, 200_000)
    return TokenUsage(
        draw(st.integers(0, input_max)),
        draw(st.integers(0, output_max)),
        draw(anything),
        draw(anything),
        draw(anything),
        draw(st.sampled_from(["", "default", "flex", "priority"])),
    )


@given(
    price=prices,
    text_bytes=st.integers(0, 100_000),
    messages=st.integers(1, 6),
    output_max=st.integers(0, 10_000),
    batch=st.booleans(),
    data=st.data(),
)
def test_no_usage_that_a_call_can_have_costs_more_than_its_bound(
    price: Price, text_bytes: int, messages: int, output_max: int, batch: bool, data: st.DataObject
) -> None:
    usage = data.draw(usages(input_tokens_bound(text_bytes, messages), output_max))
    for after_days in (0, 10, 30):
        at = datetime.now(UTC) + timedelta(days=after_days)
        assert (
            0
            <= price.cost_nanousd(usage, at, batch)
            <= upper_bound_nanousd(price, text_bytes, messages, output_max, batch=batch)
        )


@given(
    price=prices, tokens=st.integers(0, 100_000), output_max=st.integers(0, 10_000), data=st.data()
)
@pytest.mark.fault("F21", invariant="a price that rises during a call is within its bound")
def test_a_call_that_ends_after_a_change_of_price_costs_no_more_than_the_bound_over_its_time(
    price: Price, tokens: int, output_max: int, data: st.DataObject
) -> None:
    begun = NOW + timedelta(days=data.draw(st.integers(-25, 25))) - timedelta(minutes=1)
    ended = begun + timedelta(minutes=3)
    bound = call_bound_nanousd(price, tokens, output_max, span=(begun, ended))
    usage = data.draw(usages(tokens, output_max))
    assert max(price.cost_nanousd(usage, begun), price.cost_nanousd(usage, ended)) <= bound


@given(
    price=prices,
    tokens=st.integers(0, 100_000),
    output_max=st.integers(0, 10_000),
    added_tokens=st.integers(0, 70_000),
    batch=st.booleans(),
)
def test_the_bound_grows_with_the_prompt_and_with_the_answer(
    price: Price, tokens: int, output_max: int, added_tokens: int, batch: bool
) -> None:
    bound = call_bound_nanousd(price, tokens, output_max, batch=batch)
    assert bound <= call_bound_nanousd(price, tokens + added_tokens, output_max, batch=batch)
    assert bound <= call_bound_nanousd(price, tokens, output_max + added_tokens, batch=batch)


@given(price=prices, tokens=st.integers(0, 60_000), added_tokens=st.integers(0, 1000))
def test_inside_a_tier_a_byte_more_adds_no_more_than_the_price_of_a_byte(
    price: Price, tokens: int, added_tokens: int
) -> None:
    ends = {rates.above for tariff in price.tariffs() for rates in tariff.tiers}
    if not any(tokens <= end < tokens + added_tokens for end in ends):
        added = call_bound_nanousd(price, tokens + added_tokens, 100) - call_bound_nanousd(
            price, tokens, 100
        )
        assert added <= added_tokens * input_byte_nanousd(price)


def test_the_most_expensive_tier_within_the_bound_counts_and_a_cheaper_one_does_not() -> None:
    tier = {"above_input_tokens": 1000, "input_usd_per_mtok": 2, "output_usd_per_mtok": 2}
    tiered = FlatPrice.model_validate(
        {"input_usd_per_mtok": 1, "output_usd_per_mtok": 1, "tiers": [tier]}
    )
    assert call_bound_nanousd(tiered, 1000, 0) == 1000 * 1000
    assert call_bound_nanousd(tiered, 1001, 0) == 1001 * 2000
    cheaper = FlatPrice.model_validate(
        {"input_usd_per_mtok": 10, "output_usd_per_mtok": 10, "tiers": [tier]}
    )
    assert call_bound_nanousd(cheaper, 1001, 0) == 1000 * 10_000


def test_a_prompt_that_may_be_written_to_a_more_expensive_cache_is_bounded_as_if_it_were() -> None:
    price = FlatPrice(
        input_usd_per_mtok=Decimal(1),
        output_usd_per_mtok=Decimal(1),
        cache_write_usd_per_mtok=Decimal(2),
    )
    assert call_bound_nanousd(price, 1000, 0) == 1000 * 2000


@given(text=st.text(max_size=300))
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4"])
def test_no_text_has_more_tokens_than_bytes(model: str, text: str) -> None:
    count = counter_for(model, OPENAI)
    assert count is not None
    assert count(text) <= len(text.encode())


def test_an_exact_count_lowers_the_bound_and_the_schema_counts_a_token_a_byte() -> None:
    contents = ["tiktoken is great!"] * 2
    assert (
        prompt_tokens_bound(contents, 70, counter_for("gpt-4", OPENAI)) == 2 * 6 + 70 + 3 * 16
    )  # six: as tiktoken's own README counts it
    assert prompt_tokens_bound(contents, 70) == 2 * 18 + 70 + 3 * 16


def test_what_looks_like_a_special_token_is_counted_as_the_text_that_it_is() -> None:
    count = counter_for("gpt-4o", OPENAI)
    assert count is not None
    assert count("<|endoftext|>") > 1


@pytest.mark.parametrize(
    ("model", "vocabulary"),
    [
        ("gpt-4o-mini", "o200k_base"),
        ("gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("gpt-5-mini", "o200k_base"),
        ("o3", "o200k_base"),
        ("gpt-4-turbo", "cl100k_base"),
        ("ft:gpt-4o-mini:lab::1", "o200k_base"),
        ("gpt-4.5-preview", ""),
        ("gpt-6", ""),
        ("gpt-4oh", ""),
        ("qwen3:8b", ""),
    ],
)
def test_only_models_with_a_published_vocabulary_are_counted_exactly(
    model: str, vocabulary: str
) -> None:
    assert vocabulary_of(model) == vocabulary


def test_elsewhere_a_name_says_nothing_about_the_tokenizer() -> None:
    assert counter_for("gpt-4o", "http://127.0.0.1:8000/v1") is None
    assert counter_for("gpt-4o", "https://api.openai.com.example.org/v1") is None


def test_without_the_tokenizer_installed_the_proven_bound_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(
        sys.modules, "bpe_openai", None
    )  # stands for a package that is not installed, which can't be arranged otherwise
    _counter.cache_clear()
    try:
        assert counter_for("gpt-4o", OPENAI) is None
    finally:
        _counter.cache_clear()
