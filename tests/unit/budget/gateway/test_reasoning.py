"""The allowance for thought follows what a model thinks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_budget.gateway.providers.reasoning import (
    ALLOWANCE_AFTER_CUT_MIN,
    ALLOWANCE_MAX,
    ALLOWANCE_OF_KNOWN_THINKERS,
    INCREASES_MAX,
    SEEN_MAX,
    SEEN_MIN,
    LearnedAllowance,
    ReasoningAllowance,
    ReasoningAllowances,
    is_known_thinker,
    merge_allowances,
    thought_tokens,
)
from daydream_budget.gateway.providers.reply import ProviderReply
from support.provider_replies import completion, reply_to

learned_allowances = st.dictionaries(
    st.sampled_from(["critic", "oracle"]),
    st.builds(
        LearnedAllowance,
        tokens=st.integers(0, 3),
        never_stops=st.booleans(),
        learned_at_s=st.sampled_from([0.0, 1.0, 2.0]),
    ),
)


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


def cut_at(allowance: ReasoningAllowance) -> ReasoningAllowance:
    """Let a call use up the allowance with thought."""
    allowance.observe(thinking(allowance.tokens + 560, "length", ""))
    return allowance


def test_two_answers_that_are_cut_while_thinking_double_the_allowance() -> None:
    allowance = ReasoningAllowance()
    seen = [cut_at(allowance).tokens for _ in range(2)]
    assert seen == [ALLOWANCE_AFTER_CUT_MIN, 2 * ALLOWANCE_AFTER_CUT_MIN]


def test_calls_that_began_with_a_smaller_allowance_count_once() -> None:
    allowance = ReasoningAllowance()
    for _ in range(8):
        allowance.observe(CUT)
    assert allowance.tokens == ALLOWANCE_AFTER_CUT_MIN


@pytest.mark.parametrize("start", [0, 3000])
def test_a_model_that_never_stops_thinking_gets_the_allowance_from_before_its_first_cut(
    start: int,
) -> None:
    allowance = ReasoningAllowance(start)
    seen = [cut_at(allowance).tokens for _ in range(20)]
    assert set(seen[INCREASES_MAX:]) == {start}
    assert max(seen) <= 4 * max(start, ALLOWANCE_AFTER_CUT_MIN // 2)
    assert allowance.never_stops


def test_an_answer_that_ends_lets_the_allowance_grow_again() -> None:
    allowance = ReasoningAllowance()
    for _ in range(INCREASES_MAX + 1):
        cut_at(allowance)
    allowance.observe(thinking(100))
    assert not allowance.never_stops
    assert cut_at(allowance).tokens == ALLOWANCE_AFTER_CUT_MIN


def test_an_increase_that_an_answer_needed_is_kept() -> None:
    allowance = ReasoningAllowance()
    for _ in range(INCREASES_MAX):
        cut_at(allowance)
    allowance.observe(thinking(3000))
    assert cut_at(allowance).tokens == 4 * ALLOWANCE_AFTER_CUT_MIN


def test_answers_that_need_no_more_room_do_not_count_as_a_success_of_the_increases() -> None:
    allowance = ReasoningAllowance(2000)
    for _ in range(50):
        cut_at(allowance)
        allowance.observe(thinking(100))
    assert allowance.tokens <= 8000


def test_the_allowance_has_a_bound() -> None:
    allowance = ReasoningAllowance()
    for _ in range(12):
        cut_at(allowance).observe(thinking(allowance.tokens))
    assert allowance.tokens == ALLOWANCE_MAX


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
    assert {cut_at(allowance).tokens for _ in range(5)} == {300}
    assert allowance.never_stops


def test_roles_learn_apart_and_a_new_one_starts_from_the_largest() -> None:
    allowances = ReasoningAllowances("m")
    allowances.begin_with(2048)
    writer = allowances.for_role("synthesizer")
    assert cut_at(writer).tokens == allowances.for_role("critic").tokens == 4096
    cut_at(writer)
    assert dict(allowances) == {"critic": 4096, "synthesizer": 8192}


def test_a_probe_sets_the_start_of_roles_that_have_learned_nothing() -> None:
    allowances = ReasoningAllowances("gpt-5")
    cut_at(allowances.for_role("critic")).observe(thinking(5000))
    allowances.for_role("synthesizer")
    allowances.begin_with(2048)
    assert dict(allowances) == {"critic": 8192, "synthesizer": 2048}


def test_what_a_role_learned_is_adopted_by_a_replica_that_has_seen_less() -> None:
    first, second = ReasoningAllowances("m"), ReasoningAllowances("m")
    for _ in range(SEEN_MIN):
        first.for_role("critic").observe(thinking(1000))
    for _ in range(INCREASES_MAX + 1):
        cut_at(first.for_role("oracle"))
    second.adopt(first.learned())
    assert dict(second) == dict(first) == {"critic": 1500, "oracle": 1500}
    assert second.for_role("oracle").never_stops
    assert second.learned() == first.learned()
    assert any("never stops" in line for line in second.lines())


def test_a_replica_keeps_what_it_has_seen_itself() -> None:
    first, second = ReasoningAllowances("m"), ReasoningAllowances("m")
    for _ in range(SEEN_MIN):
        first.for_role("critic").observe(thinking(1000))
        second.for_role("critic").observe(thinking(2000))
    first.adopt(second.learned())
    assert dict(first) == {"critic": 1500}


def test_increases_that_may_still_fail_are_not_shared() -> None:
    allowances = ReasoningAllowances("m")
    cut_at(allowances.for_role("critic"))
    assert allowances.learned() == {}


def test_what_the_operator_set_is_neither_shared_nor_replaced() -> None:
    learned, fixed = ReasoningAllowances("m"), ReasoningAllowances("m", fixed=300)
    for _ in range(INCREASES_MAX + 1):
        cut_at(learned.for_role("critic"))
        cut_at(fixed.for_role("oracle"))
    fixed.adopt(learned.learned())
    assert fixed.learned() == {}
    assert not fixed.for_role("critic").never_stops


@given(learned_allowances, learned_allowances)
def test_allowances_of_two_replicas_merge_in_any_order(
    first: dict[str, LearnedAllowance], second: dict[str, LearnedAllowance]
) -> None:
    merged = merge_allowances(first, second)
    assert merged == merge_allowances(second, first) == merge_allowances(merged, second)


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
