"""Numbers as expectations over token probabilities."""

from __future__ import annotations

import math

import pytest
from openai.types.chat import ChatCompletion

from daydream_models.logprobs import TokenProbabilities, expected_numbers, token_of
from daydream_models.provider import raw_answer


def tokens(*parts: str, **alternatives: dict[str, float]) -> list[TokenProbabilities]:
    """Tokens that are certain, but for those that have alternatives, by their place as `at3`."""
    return [
        TokenProbabilities(part, alternatives.get(f"at{at}", {part: 1.0}))
        for at, part in enumerate(parts)
    ]


def test_a_number_is_the_mean_of_what_it_might_have_been() -> None:
    found = tokens('{"novelty"', ":", " ", "7", "}", at3={"7": 0.6, "8": 0.3, "6": 0.1})
    assert expected_numbers('{"novelty": 7}', found) == {"novelty": pytest.approx(7.2)}


def test_only_numbers_of_the_scale_count_and_their_probabilities_are_made_whole() -> None:
    found = tokens('{"a":', " 7", "}", at1={" 7": 0.3, "8": 0.1, "77": 0.2, "0": 0.1, '"': 0.3})
    assert expected_numbers('{"a": 7}', found) == {"a": pytest.approx((0.3 * 7 + 0.1 * 8) / 0.4)}


def test_a_ten_that_is_said_in_two_digits_is_a_ten() -> None:
    found = tokens('{"a":', "1", "0", "}", at1={"1": 0.8, "9": 0.2}, at2={"0": 0.75, "}": 0.25})
    assert expected_numbers('{"a":10}', found) == {
        "a": pytest.approx(0.8 * (0.75 * 10 + 0.25 * 1) + 0.2 * 9)
    }
    one = tokens('{"a":', "1", "}", at1={"1": 1.0}, at2={"}": 0.9, "0": 0.1})
    assert expected_numbers('{"a":1}', one) == {"a": pytest.approx(1.9)}
    whole = tokens('{"a":', "10", "}", at1={"10": 0.5, "9": 0.5})
    assert expected_numbers('{"a":10}', whole) == {"a": 9.5}


def test_numbers_in_other_places_are_not_taken_for_scores() -> None:
    text = '{"justification": "7 of 10", "a": 4}'
    found = [
        TokenProbabilities(text[:-2], {text[:-2]: 1.0}),
        TokenProbabilities("4", {"4": 0.5, "5": 0.5}),
        TokenProbabilities("}", {"}": 1.0}),
    ]
    assert expected_numbers(text, found) == {"a": 4.5}


@pytest.mark.parametrize(
    "found",
    [
        tokens('{"a":', "7", "}", at1={"7": 0.1, '"': 0.9}),
        tokens('{"a":', "7"),
        tokens("{", "7", "}"),
        [],
    ],
)
def test_what_cannot_be_told_is_left_out(found: list[TokenProbabilities]) -> None:
    assert expected_numbers('{"a":7}', found) == {}


def test_a_fence_that_the_server_cut_off_is_still_among_the_tokens() -> None:
    found = tokens("```json\n", '{"a":', "7", "}", "\n```", at2={"7": 0.5, "6": 0.5})
    assert expected_numbers('{"a":7}', found) == {"a": 6.5}


def test_a_fraction_is_no_whole_number() -> None:
    assert expected_numbers('{"a":7.5}', tokens('{"a":', "7", ".5}")) == {}


def test_it_is_read_from_a_completion() -> None:
    def said(token: str, **others: float) -> dict[str, object]:
        top = [
            {"token": name, "logprob": math.log(chance), "bytes": None}
            for name, chance in others.items()
        ]
        return {
            "token": token,
            "logprob": math.log(others.get(token, 0.9)),
            "bytes": None,
            "top_logprobs": top,
        }

    content = [said('{"novelty":'), said("7", **{"7": 0.5, "8": 0.5}), said("}")]
    message = {"role": "assistant", "content": '{"novelty":7}', "refusal": None}
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": message,
        "logprobs": {"content": content, "refusal": None},
    }
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    assert raw_answer(ChatCompletion.model_validate(body)).expected == {
        "novelty": pytest.approx(7.5)
    }
    assert (
        raw_answer(
            ChatCompletion.model_validate({**body, "choices": [{**choice, "logprobs": None}]})
        ).expected
        == {}
    )
    assert token_of("x", {"x": 0.0, "y": -1.0}).alternatives == {
        "x": 1.0,
        "y": pytest.approx(math.exp(-1)),
    }
