"""Bodies of requests: what is taken, and the bound of what it may cost."""

from __future__ import annotations

import json

import pytest

from daydream_budget.gateway.api.requests import TEXTS_MAX, embedding_body
from daydream_budget.gateway.call_bounds import embedding_bound
from daydream_budget.gateway.refusals import CallRefusedError
from daydream_budget.pricing.price_file import FlatPrice

PRICE = FlatPrice.model_validate({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2})


def body(given: object) -> bytes:
    return json.dumps({"model": "m", "input": given}).encode()


@pytest.mark.parametrize(
    ("given", "inputs"),
    [
        ("a text", ["a text"]),
        (["a", "b"], ["a", "b"]),
        ([5, 6, 7], [[5, 6, 7]]),
        ([[5, 6], [7]], [[5, 6], [7]]),
    ],
)
def test_texts_and_token_ids_are_taken(given: object, inputs: list[object]) -> None:
    assert embedding_body(body(given))["input"] == inputs


@pytest.mark.parametrize(
    "given",
    [None, 5, [], [[]], ["a", 5], ["a", [5]], [True], [[1.5]], [None], [[1]] * (TEXTS_MAX + 1)],
)
def test_other_inputs_are_refused(given: object) -> None:
    with pytest.raises(CallRefusedError) as refused:
        embedding_body(body(given))
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")


def test_the_bound_of_token_ids_is_their_number_and_what_a_server_may_add() -> None:
    ids = list(range(1000))
    few = embedding_bound([ids], PRICE, 60)
    assert 1000 <= few.input_tokens <= 1050
    assert embedding_bound([ids, ids], PRICE, 60).input_tokens - few.input_tokens >= 1000
    assert embedding_bound([ids, "a text"], PRICE, 60).input_tokens > few.input_tokens
