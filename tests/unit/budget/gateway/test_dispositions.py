"""Each row of the table of answers has an answer that it is for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from daydream_budget.gateway.providers.dispositions import (
    COSTS,
    DISPOSITIONS,
    SIGNALS,
    TABLE,
    classify,
)
from daydream_budget.gateway.providers.reply import ProviderReply
from support.provider_replies import completion, error, reply_to

VECTORS = {"data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 3}}
REFUSED = completion(None, message={"refusal": "I can't help with that."})
ANSWERS: list[tuple[str, ProviderReply]] = [
    ("not-sent", ProviderReply(0, "not-sent")),
    ("too-slow", ProviderReply(0, "too-slow")),
    ("broke-off", ProviderReply(0, "broke-off")),
    ("page", reply_to(200, b"<html>Please sign in</html>")),
    ("truncated", reply_to(200, b'{"id": "x", "choices": [')),
    ("truncated", reply_to(200, b"OK")),
    ("no-choices", reply_to(200, [1, 2, 3])),
    ("no-choices", reply_to(200, {"choices": []})),
    ("no-choices", reply_to(200, {"choices": [{"message": "yes"}]})),
    ("unnamed-error", reply_to(200, error("Something went wrong"))),
    ("redirect", reply_to(301, b"")),
    ("quota", reply_to(429, error(code="insufficient_quota"))),
    ("quota", reply_to(200, error(code="insufficient_quota"))),
    ("quota", reply_to(400, error("Your credit balance is too low to access the API"))),
    ("no-balance", reply_to(402, error("Payment required"))),
    ("filtered", reply_to(400, error(code="content_filter"))),
    ("filtered", reply_to(403, error("Your input was flagged"))),
    ("too-long", reply_to(413, b"")),
    ("too-long", reply_to(400, error(code="context_length_exceeded"))),
    ("too-long", reply_to(400, error("This model's maximum context length is 8192 tokens"))),
    ("key-refused", reply_to(401, error(code="invalid_api_key"))),
    ("key-refused", reply_to(403, b"<html>Forbidden</html>")),
    ("no-such-model", reply_to(404, error(code="model_not_found"))),
    ("no-such-model", reply_to(400, error(code="model_not_found"))),
    ("no-such-path", reply_to(404, b"<html>Not Found</html>")),
    ("no-such-path", reply_to(405, b"")),
    ("busy", reply_to(429, error("Rate limit reached"))),
    ("busy", reply_to(429, b"")),
    ("busy", reply_to(200, error(code=429))),
    ("wrong-dialect", reply_to(400, error(code="unsupported_parameter"))),
    ("try-again", reply_to(408, error("timed out"))),
    ("try-again", reply_to(409, b"")),
    ("try-again", reply_to(425, b"")),
    ("refused", reply_to(400, error("messages must not be empty"))),
    ("refused", reply_to(422, error("no"))),
    ("overloaded", reply_to(503, b"<html>Service Unavailable</html>")),
    ("overloaded", reply_to(529, error("Overloaded"))),
    ("failed", reply_to(500, error("The server had an error"))),
    ("failed-without-body", reply_to(502, b"<html>Bad Gateway</html>")),
    ("failed-without-body", reply_to(500, b"")),
    ("broken-answer", reply_to(200, completion("ye", "error"))),
    ("runaway", reply_to(200, completion("{" + " \n" * 2000, "length"))),
    ("filtered-answer", reply_to(200, completion("", "content_filter"))),
    ("refusal", reply_to(200, REFUSED)),
    ("cut", reply_to(200, completion("half an ans", "length"))),
    ("cut", reply_to(200, completion(None, "length", message={"reasoning": "Draft: yes"}))),
    ("empty", reply_to(200, completion(None))),
    ("empty", reply_to(200, completion(" \n"))),
    ("answer", reply_to(200, completion())),
    ("answer", reply_to(200, completion(None, message={"tool_calls": [{"id": "1"}]}))),
    ("answer", reply_to(200, completion(None, message={"reasoning_content": "yes"}))),
    ("vectors", reply_to(200, VECTORS)),
]


@pytest.mark.parametrize(("name", "reply"), ANSWERS)
def test_an_answer_has_its_row(name: str, reply: ProviderReply) -> None:
    assert classify(reply).name == name


def test_every_row_is_tested() -> None:
    assert {row.name for row in TABLE} == {name for name, _ in ANSWERS}


def test_every_word_of_the_table_is_explained() -> None:
    assert {row.disposition for row in TABLE} == DISPOSITIONS.keys()
    assert {row.cost for row in TABLE} == COSTS.keys()
    assert {row.signal for row in TABLE} <= SIGNALS.keys()
    assert all(row.condition for row in TABLE)


def test_a_refused_call_costs_nothing() -> None:
    refused = {classify(reply_to(status, error("no"))).cost for status in range(400, 500)}
    overloaded = {classify(reply_to(status, error("no"))).cost for status in (503, 529)}
    assert refused == overloaded == {"nothing"}


@pytest.mark.fault("F13", invariant="broken bytes count in full and are tried again")
def test_a_200_with_broken_bytes_counts_in_full_and_is_tried_again() -> None:
    for body in (b'{"choices": [', b"OK", [1], {"choices": [{"message": "yes"}]}):
        row = classify(reply_to(200, body))
        assert (row.disposition, row.cost_of(reply_to(200, body))) == ("retry", "unknown")


def test_an_answer_without_usage_has_an_unknown_cost_unless_its_cost_is_reported() -> None:
    reply: Any = reply_to(200, completion(usage=None))
    row = classify(reply)
    assert row.cost_of(reply) == "unknown"
    assert row.cost_of(replace(reply, reported_cost_nanousd=5)) == "known"
    assert row.cost_of(reply_to(200, completion())) == "known"
