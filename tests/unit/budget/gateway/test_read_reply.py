"""Whatever bytes come, they are read into one bounded record, and nothing raises."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daydream_budget.gateway.providers.dispositions import classify
from daydream_budget.gateway.providers.read_reply import read_reply
from daydream_budget.gateway.providers.reply import MESSAGE_CHARS_MAX
from support.provider_replies import USAGE, completion, error, reply_to


def test_a_completion_is_read_with_its_usage() -> None:
    reply = reply_to(200, completion(service_tier="flex"))
    assert (reply.shape, reply.text, reply.finish, reply.model) == (
        "completion",
        "yes",
        "stop",
        "m",
    )
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.service_tier) == (12, "flex")
    assert reply.provider_id == "c-1"


def test_the_text_chunks_of_a_content_list_are_the_answer_and_the_thought_stays_beside_it() -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    content = [thinking, {"type": "text", "text": "ye"}, {"type": "text", "text": "s"}]
    reply = reply_to(200, completion(content))
    assert (reply.text, reply.text_source) == ("yes", "chunks")
    message = reply.body["choices"][0]["message"]
    assert (message["content"], message["reasoning_content"]) == ("yes", "hm")


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_the_reasoning_is_the_answer_only_where_the_model_stopped_by_itself(name: str) -> None:
    stopped = reply_to(200, completion(None, message={name: "yes"}))
    cut = reply_to(200, completion(None, "length", message={name: "Draft: yes"}))
    assert (stopped.text, stopped.text_source) == ("yes", "reasoning")
    assert (cut.text, cut.thought) == ("", "Draft: yes")
    assert cut.body["choices"][0]["message"]["content"] == ""


def test_a_content_wins_over_reasoning() -> None:
    reply = reply_to(200, completion("yes", message={"reasoning": "perhaps"}))
    assert (reply.text, reply.thought, reply.thought_source) == ("yes", "perhaps", "reasoning")


@pytest.mark.parametrize(
    ("finish", "normal"),
    [("max_tokens", "length"), ("SAFETY", "content_filter"), ("end_turn", "stop"), (None, "")],
)
def test_finish_reasons_get_openais_names(finish: str | None, normal: str) -> None:
    assert reply_to(200, completion(finish=finish)).finish == normal


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "many",
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 1e320, "completion_tokens": 5},
        {"prompt_tokens": 10**12, "completion_tokens": 5},
        {"prompt_tokens": True, "completion_tokens": 5},
        {"completion_tokens": 5},
    ],
)
@pytest.mark.fault("F14", invariant="a usage that can not be true is none")
def test_a_usage_that_cannot_be_true_is_none(usage: Any) -> None:
    assert reply_to(200, completion(usage=usage)).usage is None


@pytest.mark.parametrize(
    ("cost", "nanousd"),
    [(0.0123, 12_300_000), (0, 0), (1e320, None), (-1, None), ("1", None), (True, None)],
)
def test_a_reported_cost_is_read_within_bounds(cost: Any, nanousd: int | None) -> None:
    reply = reply_to(200, completion(usage={**USAGE, "cost": cost}))
    assert reply.reported_cost_nanousd == nanousd


def test_embeddings_are_read_with_their_usage() -> None:
    body = {"data": [{"index": 0, "embedding": [0.1]}], "usage": {"prompt_tokens": 3}}
    reply = reply_to(200, body)
    assert (reply.shape, reply.usage and reply.usage.input_tokens) == ("embeddings", 3)


RAW = json.dumps(error("stream is not supported", param="stream", code="unsupported_value"))
NAN_PROBLEM = "[{'type': 'extra_forbidden', 'loc': ('body', 'seed'), 'msg': 'Extra inputs are'}]"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [  # status, code, param, the start of the message
        (401, error("bad", code="invalid_api_key"), (401, "invalid_api_key", "", "bad")),
        (400, [error("bad", code=400, status="INVALID")], (400, "INVALID", "", "bad")),
        (400, {"error": "LM Studio says no"}, (400, "", "", "LM Studio says no")),
        (400, {"code": "invalid-argument", "error": "no"}, (400, "invalid-argument", "", "no")),
        (
            529,
            {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}},
            (529, "overloaded_error", "", "Overloaded"),
        ),
        (
            422,
            {"object": "error", "message": {"detail": [{"loc": ["body", "seed"], "msg": "x"}]}},
            (422, "", "seed", '[{"loc"'),
        ),
        (
            422,
            {"detail": [{"loc": ["body", "seed"], "msg": "extra"}]},
            (422, "", "seed", '[{"loc"'),
        ),
        (400, {"object": "error", "message": NAN_PROBLEM}, (400, "", "seed", "[{'type'")),
        (
            400,
            error("Provider returned error", code=400, metadata={"raw": RAW}),
            (400, "unsupported_value", "stream", "stream is not supported"),
        ),
        (400, error(f"Error from provider: {RAW}"), (400, "unsupported_value", "stream", "stream")),
        (429, {"message": "Too many requests"}, (429, "", "", "Too many requests")),
        (200, error("busy", code=429), (429, "429", "", "busy")),
        (200, error("busy", code="429"), (429, "429", "", "busy")),
        (200, error("busy", type="rate_limit_error"), (429, "rate_limit_error", "", "busy")),
        (200, error("broken"), (502, "", "", "broken")),
    ],
)
def test_an_error_is_read_in_every_form(
    status: int, body: Any, expected: tuple[int, str, str, str]
) -> None:
    reply = reply_to(status, body)
    assert reply.shape == "error"
    assert (reply.status, reply.code, reply.param) == expected[:3]
    assert reply.message.startswith(expected[3])


@pytest.mark.parametrize(
    ("raw", "shape"),
    [
        (b"<!doctype html><html>Please sign in</html>", "html"),
        (b'{"id": "x", "choices": [', "text"),
        (b"", "text"),
        (b"[" * 100_000, "text"),
        (b"9" * 5000, "text"),
        (b"\xff\xfe", "text"),
        (b"[1,2,3]", "other"),
        (b'{"choices": []}', "other"),
        (b'{"choices": [{"message": "yes"}]}', "other"),
        (b'{"choices": [null]}', "other"),
        (b"null", "text"),
    ],
)
def test_a_200_that_is_no_answer_has_a_shape(raw: bytes, shape: str) -> None:
    reply = read_reply(200, {}, raw)
    assert (reply.status, reply.shape) == (200, shape)


def test_a_web_page_is_shown_without_its_markup() -> None:
    page = b"<html><style>p {}</style><body><p>Please\n sign in</p></body></html>"
    assert read_reply(200, {}, page).message == "Please sign in"


def test_half_a_character_is_replaced_so_that_the_answer_can_be_stored() -> None:
    reply = read_reply(200, {}, json.dumps(completion("a\ud800b")).encode())
    assert reply.text.encode() == b"a?b"


def test_messages_are_bounded() -> None:
    assert len(reply_to(400, error("x" * 10_000)).message) == MESSAGE_CHARS_MAX


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "error", "usage", "data", "detail", "code", "loc"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON_VALUES, st.sampled_from([200, 204, 302, 400, 404, 422, 429, 500, 503, 529]))
def test_any_json_with_any_status_is_read_and_has_a_row(body: Any, status: int) -> None:
    reply = reply_to(status, body)
    assert classify(reply).name
    assert isinstance(reply.text, str)


@given(st.binary(max_size=200), st.integers(100, 599))
@pytest.mark.fault("F13", invariant="any bytes are read into a bounded record")
def test_any_bytes_are_read_and_have_a_row(raw: bytes, status: int) -> None:
    assert classify(read_reply(status, {}, raw)).name
