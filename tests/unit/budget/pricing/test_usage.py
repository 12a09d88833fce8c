"""Reported tokens, right and wrong: no cost is negative, and doubt counts as the higher cost."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import CompletionUsage

from daydream_budget.gateway.providers.read_reply import read_reply
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.pricing.price_file import FlatPrice
from daydream_budget.pricing.usage import TokenUsage, reported_usage

PRICE = FlatPrice.model_validate(
    {
        "input_usd_per_mtok": 10,
        "output_usd_per_mtok": 40,
        "cached_input_usd_per_mtok": Decimal("2.5"),
        "cache_write_usd_per_mtok": Decimal("12.5"),
        "reasoning_usd_per_mtok": 60,
    }
)


def reply(body: dict[str, Any]) -> ProviderReply:
    return read_reply(200, {}, json.dumps(body).encode())


def reported(**fields: Any) -> TokenUsage | None:
    """Read a usage as the client returns it, which does not check what servers send."""
    return reported_usage(CompletionUsage.construct(**fields))


def test_a_full_report_is_read() -> None:
    usage = reported(
        prompt_tokens=100,
        completion_tokens=50,
        total_tokens=150,
        prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 20},
        completion_tokens_details={"reasoning_tokens": 30},
    )
    assert usage == TokenUsage(100, 50, 60, 20, 30)


def test_a_cache_write_is_also_read_where_anthropic_puts_it() -> None:
    assert reported(
        prompt_tokens=100, completion_tokens=5, cache_creation_input_tokens=40
    ) == TokenUsage(100, 5, 0, 40)


def test_an_answer_has_its_id_and_the_service_tier_that_served_it() -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "x"}}
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
    common: dict[str, Any] = {
        "object": "chat.completion",
        "created": 0,
        "model": "m",
        "choices": [choice],
        "usage": usage,
    }
    answer = reply({"id": "chatcmpl-7", "service_tier": "flex", **common})
    assert (answer.provider_id, answer.usage) == (
        "chatcmpl-7",
        TokenUsage(10, 5, service_tier="flex"),
    )
    without = reply({"id": None, "service_tier": 3, **common})
    assert (without.provider_id, without.usage) == ("", TokenUsage(10, 5))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": -5, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": -1},
        {"prompt_tokens": 5},
        {"prompt_tokens": None, "completion_tokens": 5},
        {"prompt_tokens": "12", "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"prompt_tokens": 10**12, "completion_tokens": 5},
        {"prompt_tokens": float("nan"), "completion_tokens": 5},
    ],
)
def test_counts_that_can_not_be_believed_are_no_report_so_the_whole_draw_is_spent(
    fields: dict[str, Any],
) -> None:
    assert reported(**fields) is None


def test_without_a_report_there_is_none() -> None:
    assert reported_usage(None) is None


def test_more_cached_than_input_gives_no_discount() -> None:
    assert reported(
        prompt_tokens=100, completion_tokens=5, prompt_tokens_details={"cached_tokens": 900}
    ) == TokenUsage(100, 5)


@pytest.mark.parametrize("total", [130, None])
def test_reasoning_that_a_server_counts_outside_the_completion_is_output_too(
    total: int | None,
) -> None:
    usage = reported(
        prompt_tokens=100,
        completion_tokens=10,
        total_tokens=total,
        completion_tokens_details={"reasoning_tokens": 20},
    )
    assert usage == TokenUsage(100, 30, reasoning_tokens=20)


def test_what_only_the_total_shows_is_output() -> None:
    assert reported(prompt_tokens=100, completion_tokens=10, total_tokens=160) == TokenUsage(
        100, 60
    )


wrong = st.one_of(
    st.none(),
    st.integers(-(10**13), 10**13),
    st.floats(),
    st.text(max_size=3),
    st.booleans(),
    st.integers(0, 100),
)


@given(prompt=wrong, completion=wrong, total=wrong, cached=wrong, written=wrong, reasoning=wrong)
@pytest.mark.fault("F14", invariant="no report makes a cost negative or lower")
def test_whatever_a_server_says_a_cost_is_never_negative_and_never_below_that_of_the_plain_counts(
    prompt: Any, completion: Any, total: Any, cached: Any, written: Any, reasoning: Any
) -> None:
    usage = reported(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=total,
        prompt_tokens_details={"cached_tokens": cached, "cache_write_tokens": written},
        completion_tokens_details={"reasoning_tokens": reasoning},
    )
    if usage is not None:
        assert PRICE.cost_nanousd(usage) >= prompt * 2500 + completion * 40_000 > 0
        assert usage.cached_input_tokens + usage.cache_write_tokens <= usage.input_tokens
        assert usage.reasoning_tokens <= usage.output_tokens
