"""The allowance for thought follows what a model thinks."""

from __future__ import annotations

from typing import Any

import pytest

from daydream_budget.gateway.providers.reasoning import (
    ALLOWANCE_AFTER_CUT_MIN,
    ALLOWANCE_MAX,
    ALLOWANCE_OF_KNOWN_THINKERS,
    SEEN_MAX,
    SEEN_MIN,
    ReasoningAllowance,
    ReasoningAllowances,
    is_known_thinker,
    thought_tokens,
)
from daydream_budget.gateway.providers.reply import ProviderReply
from support.provider_replies import completion, reply_to


def thinking(tokens: int, finish: str = "stop", content: str = "yes") -> ProviderReply:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": tokens + 5,
        "completion_tokens_details": {"reasoning_tokens": tokens},
    }
    return reply_to(200, completion(content, finish, usage=usage))


CUT = thinking(560, "length", "")


def usage_of(output: int) -> dict[str, int]:
    return {"prompt_tokens": 10, "completion_tokens": output}


@pytest.mark.parametrize(
    ("body", "tokens"),
    [
        (completion("yes", usage=usage_of(5)), 0),
        (completion("word " * 100, usage=usage_of(110)), 0),
        (completion("yes", usage=usage_of(900)), 899),
        (completion("yes", message={"reasoning": "x" * 300}, usage=usage_of(101)), 100),
        (completion("yes", message={"reasoning": "x" * 300}, usage=None), 100),
        (completion(None, message={"reasoning": "x" * 300}, usage=usage_of(100)), 0),
    ],
)
def test_thought_is_inferred_where_it_is_not_reported(body: dict[str, Any], tokens: int) -> None:
    assert thought_tokens(reply_to(200, body)) == tokens


def test_reported_thought_counts() -> None:
    assert thought_tokens(thinking(1100)) == 1100


def test_an_answer_that_is_cut_while_thinking_doubles_the_allowance_up_to_a_bound() -> None:
    allowance = ReasoningAllowance()
    seen = []
    for _ in range(8):
        allowance.observe(CUT)
        seen.append(allowance.tokens)
    assert seen[:2] == [ALLOWANCE_AFTER_CUT_MIN, 2 * ALLOWANCE_AFTER_CUT_MIN]
    assert seen[-1] == ALLOWANCE_MAX


def test_an_answer_that_is_cut_while_it_is_written_changes_nothing() -> None:
    allowance = ReasoningAllowance(start=500)
    allowance.observe(thinking(0, "length", "half an ans"))
    assert allowance.tokens == 500


def test_the_allowance_grows_to_the_thought_that_is_seen() -> None:
    allowance = ReasoningAllowance()
    for _ in range(SEEN_MIN):
        allowance.observe(thinking(1000))
    assert allowance.tokens == 1500


def test_a_large_start_is_given_up_when_enough_was_seen() -> None:
    allowance = ReasoningAllowance(start=8192)
    for _ in range(SEEN_MAX - 1):
        allowance.observe(thinking(1000))
    assert allowance.tokens == 8192
    allowance.observe(thinking(1000))
    assert allowance.tokens == 1500


def test_a_model_that_never_thinks_gets_nothing() -> None:
    allowance = ReasoningAllowance()
    for _ in range(SEEN_MAX):
        allowance.observe(thinking(0))
    assert allowance.tokens == 0


def test_the_operators_number_stays() -> None:
    allowance = ReasoningAllowances("gpt-5", fixed=300).for_role("critic")
    allowance.observe(CUT)
    assert allowance.tokens == 300


def test_roles_learn_apart_and_a_new_one_starts_from_the_largest() -> None:
    allowances = ReasoningAllowances("m", probed=2048)
    writer = allowances.for_role("synthesizer")
    writer.observe(CUT)
    assert allowances.for_role("critic").tokens == writer.tokens == 4096
    writer.observe(CUT)
    assert dict(allowances) == {"critic": 4096, "synthesizer": 8192}


@pytest.mark.parametrize(
    ("model", "thinks"),
    [
        ("gpt-5-mini", True),
        ("openai/o3", True),
        ("o4-mini-2025-04-16", True),
        ("deepseek-reasoner", True),
        ("deepseek/deepseek-r1", True),
        ("gemini-2.5-flash", True),
        ("magistral-medium", True),
        ("qwen3-32b", True),
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-5-chat", False),
        ("mistral-large", False),
        ("qwen3-4b-instruct", False),
        ("grok-4-fast-non-reasoning", False),
        ("llama-3.3-70b", False),
    ],
)
def test_some_models_are_known_to_think(model: str, *, thinks: bool) -> None:
    assert is_known_thinker(model) is thinks
    expected = ALLOWANCE_OF_KNOWN_THINKERS if thinks else 0
    assert ReasoningAllowances(model).for_role("critic").tokens == expected
