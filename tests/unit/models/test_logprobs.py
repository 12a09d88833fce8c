"""Numbers as expectations over token probabilities."""

from __future__ import annotations

import math

import pytest

from daydream_models.chat_completion import ChatCompletion
from daydream_models.logprobs import (
    TokenProbabilities,
    completion_numbers,
    expected_numbers,
    token_probabilities,
)


def tokens(*parts: str, **alternatives: dict[str, float]) -> list[TokenProbabilities]:
    """Return certain tokens, except for those with alternatives, given by position as `at3`."""
    return [
        TokenProbabilities(part, alternatives.get(f"at{at}", {part: 1.0}))
        for at, part in enumerate(parts)
    ]


def test_a_number_is_the_mean_of_its_alternatives() -> None:
    answer_tokens = tokens('{"novelty"', ":", " ", "7", "}", at3={"7": 0.6, "8": 0.3, "6": 0.1})
    assert expected_numbers('{"novelty": 7}', answer_tokens) == {"novelty": pytest.approx(7.2)}


def test_only_numbers_on_the_scale_count_and_their_probabilities_are_normalised() -> None:
    answer_tokens = tokens(
        '{"a":', " 7", "}", at1={" 7": 0.3, "8": 0.1, "77": 0.2, "0": 0.1, '"': 0.3}
    )
    assert expected_numbers('{"a": 7}', answer_tokens) == {
        "a": pytest.approx((0.3 * 7 + 0.1 * 8) / 0.4)
    }


def test_a_ten_in_two_tokens_is_a_ten() -> None:
    answer_tokens = tokens(
        '{"a":', "1", "0", "}", at1={"1": 0.8, "9": 0.2}, at2={"0": 0.75, "}": 0.25}
    )
    assert expected_numbers('{"a":10}', answer_tokens) == {
        "a": pytest.approx(0.8 * (0.75 * 10 + 0.25 * 1) + 0.2 * 9)
    }
    single = tokens('{"a":', "1", "}", at1={"1": 1.0}, at2={"}": 0.9, "0": 0.1})
    assert expected_numbers('{"a":1}', single) == {"a": pytest.approx(1.9)}
    whole = tokens('{"a":', "10", "}", at1={"10": 0.5, "9": 0.5})
    assert expected_numbers('{"a":10}', whole) == {"a": 9.5}


def test_numbers_inside_of_texts_are_not_scores() -> None:
    text = '{"justification": "7 of 10", "a": 4}'
    answer_tokens = [
        TokenProbabilities(text[:-2], {text[:-2]: 1.0}),
        TokenProbabilities("4", {"4": 0.5, "5": 0.5}),
        TokenProbabilities("}", {"}": 1.0}),
    ]
    assert expected_numbers(text, answer_tokens) == {"a": 4.5}


@pytest.mark.parametrize(
    "answer_tokens",
    [
        tokens('{"a":', "7", "}", at1={"7": 0.1, '"': 0.9}),
        tokens('{"a":', "7"),
        tokens("{", "7", "}"),
        [],
    ],
)
def test_an_uncertain_number_is_left_out(answer_tokens: list[TokenProbabilities]) -> None:
    assert expected_numbers('{"a":7}', answer_tokens) == {}


def test_a_fence_that_the_server_removed_from_the_text_is_still_in_the_tokens() -> None:
    answer_tokens = tokens("```json\n", '{"a":', "7", "}", "\n```", at2={"7": 0.5, "6": 0.5})
    assert expected_numbers('{"a":7}', answer_tokens) == {"a": 6.5}


def test_a_fraction_is_no_whole_number() -> None:
    assert expected_numbers('{"a":7.5}', tokens('{"a":', "7", ".5}")) == {}


def test_expectations_are_read_from_a_completion() -> None:
    def entry(token: str, **others: float) -> dict[str, object]:
        top = [
            {"token": name, "logprob": math.log(probability), "bytes": None}
            for name, probability in others.items()
        ]
        return {
            "token": token,
            "logprob": math.log(others.get(token, 0.9)),
            "bytes": None,
            "top_logprobs": top,
        }

    content = [entry('{"novelty":'), entry("7", **{"7": 0.5, "8": 0.5}), entry("}")]
    message = {"role": "assistant", "content": '{"novelty":7}', "refusal": None}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": message,
        "logprobs": {"content": content, "refusal": None},
    }
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    assert completion_numbers(ChatCompletion.model_validate(body)) == {
        "novelty": pytest.approx(7.5)
    }
    without = {**body, "choices": [{**choice, "logprobs": None}]}
    assert completion_numbers(ChatCompletion.model_validate(without)) == {}
    assert token_probabilities("x", {"x": 0.0, "y": -1.0}).alternatives == {
        "x": 1.0,
        "y": pytest.approx(math.exp(-1)),
    }
