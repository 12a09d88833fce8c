"""A dialect grows by refusals, and requests are written in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.corrections import ROUNDS_MAX, ask_corrected
from daydream_budget.gateway.providers.dialect import FEATURES_MAX, Dialect
from daydream_budget.gateway.providers.preparation import prepare
from daydream_budget.gateway.providers.reply import ProviderReply
from support.provider_replies import completion, error, reply_to

OPENAI = ProviderConfig()
LOCAL = ProviderConfig(base_url="http://127.0.0.1:8080/v1")
SCHEMA = {
    "type": "object",
    "properties": {"maxLength": {"type": "string", "maxLength": 40, "minLength": 1}},
}
BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "system", "content": "Judge."}, {"role": "user", "content": "This."}],
    "max_completion_tokens": 560,
    "seed": 1,
    "logprobs": True,
    "top_logprobs": 10,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": SCHEMA},
    },
}


def refused(dialect: Dialect, *features: str) -> Dialect:
    for feature in features:
        dialect.refuse(feature, "no")
    return dialect


def prepared(*features: str, config: ProviderConfig = LOCAL, **options: Any) -> dict[str, Any]:
    return prepare(BODY, refused(Dialect.of(config), *features), **options)


def test_the_maximum_gets_the_name_that_the_provider_takes_and_the_allowance_on_top() -> None:
    assert prepared(config=OPENAI, reasoning_tokens=4096)["max_completion_tokens"] == 4656
    local = prepared(reasoning_tokens=4096)
    assert local["max_tokens"] == 4656
    assert "max_completion_tokens" not in local
    assert prepared("max_tokens")["max_completion_tokens"] == 560


def test_a_call_never_loses_its_maximum() -> None:
    assert prepared("max_tokens", "max_completion_tokens")["max_tokens"] == 560


def test_a_request_without_a_maximum_gets_none_from_the_dialect() -> None:
    body = {name: value for name, value in BODY.items() if name != "max_completion_tokens"}
    assert not {"max_tokens", "max_completion_tokens"} & prepare(body, Dialect()).keys()


def test_caps_limit_what_is_asked_for() -> None:
    dialect = Dialect(caps={"max_tokens": 1000, "top_logprobs": 5})
    body = prepare(BODY, dialect, reasoning_tokens=4096)
    assert (body["max_tokens"], body["top_logprobs"]) == (1000, 5)
    assert prepare(BODY, dialect, call_cap=600)["max_tokens"] == 560


def test_openai_gets_schemas_without_lengths_and_properties_keep_their_names() -> None:
    schema = prepared(config=OPENAI)["response_format"]["json_schema"]["schema"]
    assert schema == {"type": "object", "properties": {"maxLength": {"type": "string"}}}
    assert prepared()["response_format"] == BODY["response_format"]


@pytest.mark.parametrize(
    ("features", "wanted"),
    [
        (("response_format:json_schema",), {"type": "json_object"}),
        (("response_format:json_schema", "response_format:json_object"), None),
    ],
)
def test_a_schema_that_is_not_enforced_is_asked_for_in_words(
    features: Sequence[str], wanted: dict[str, str] | None
) -> None:
    body = prepared(*features)
    assert body.get("response_format") == wanted
    last = body["messages"][-1]
    assert last["role"] == "user"
    assert last["content"].startswith("This.\n\nAnswer with one JSON object")
    assert '"maxLength":40' in last["content"]
    assert BODY["messages"][-1]["content"] == "This."


def test_a_system_message_is_said_as_the_user_where_roles_are_refused() -> None:
    assert prepared("role:system")["messages"][0]["role"] == "developer"
    messages = prepared("role:system", "role:developer")["messages"]
    assert messages == [{"role": "user", "content": "Judge.\n\nThis."}]


def test_what_depends_on_a_refused_parameter_goes_with_it() -> None:
    body = prepared("logprobs", "seed")
    assert not {"logprobs", "top_logprobs", "seed"} & body.keys()


def test_output_is_watched_where_the_stream_tells_its_usage() -> None:
    assert prepared(watch=True)["stream_options"] == {"include_usage": True}
    assert "stream" not in prepared("stream_options", watch=True)
    assert "stream" not in prepared("stream", watch=True)


def test_the_operator_sets_the_response_format() -> None:
    config = ProviderConfig(base_url=LOCAL.base_url, answers="text")
    assert "response_format" not in prepared(config=config)


def test_a_call_that_was_sent_before_the_refusal_gets_its_correction_too() -> None:
    dialect = Dialect.of(OPENAI)
    sent = prepare(BODY, dialect)
    refusal = reply_to(400, error("Unrecognized request argument supplied: max_completion_tokens"))
    assert dialect.learn(refusal, sent)
    assert dialect.learn(refusal, sent)
    assert (
        dialect.learn(
            reply_to(400, error("Unknown parameter: 'max_tokens'")), prepare(BODY, dialect)
        )
        is not None
    )
    assert dialect.learn(refusal, prepare(BODY, dialect)) is None


def test_two_replicas_merge_what_they_learned_in_any_order() -> None:
    first = Dialect(caps={"max_tokens": 900})
    first.refuse("seed", "later words", at_s=20)
    second = Dialect(caps={"max_tokens": 800, "top_logprobs": 5})
    second.refuse("seed", "first words", at_s=10)
    second.refuse("logprobs", "no", at_s=30)
    merged = first.merge(second)
    assert merged == second.merge(first) == merged.merge(first)
    assert merged.refused["seed"].words == "first words"
    assert merged.caps == {"max_tokens": 800, "top_logprobs": 5}
    assert Dialect.model_validate_json(merged.model_dump_json()) == merged
    assert "seed is not sent: first words" in merged.lines()


def test_a_provider_that_refuses_everything_cannot_fill_the_memory() -> None:
    dialect = refused(Dialect(), *(f"schema:{number}" for number in range(FEATURES_MAX + 9)))
    assert len(dialect.refused) == FEATURES_MAX


class ScriptedSend:
    """Sends nothing, and answers what the script says."""

    def __init__(self, *replies: ProviderReply) -> None:
        self.replies = list(replies)
        self.sent: list[dict[str, Any]] = []

    async def __call__(self, body: dict[str, Any]) -> ProviderReply:
        self.sent.append(body)
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


async def test_corrections_are_made_until_the_request_is_taken() -> None:
    send = ScriptedSend(
        reply_to(400, error("Unknown parameter: 'seed'.", param="seed")),
        reply_to(400, error("This response_format type is unavailable now")),
        reply_to(200, completion()),
    )
    dialect = Dialect()
    asked = await ask_corrected(send, BODY, dialect)
    assert asked.reply.text == "yes"
    assert [correction.features[0] for correction in asked.corrections] == [
        "seed",
        "response_format:json_schema",
    ]
    again = await ask_corrected(send, BODY, dialect)
    assert not again.corrections
    assert len(send.sent) == 4


async def test_a_server_that_never_agrees_is_asked_a_bounded_number_of_times() -> None:
    send = ScriptedSend(
        *(
            reply_to(400, error(f"max_tokens is too large. at most {500 - number} tokens"))
            for number in range(99)
        )
    )
    asked = await ask_corrected(send, BODY, Dialect())
    assert asked.reply.status == 400
    assert len(send.sent) == ROUNDS_MAX + 1


async def test_the_room_that_a_prompt_leaves_is_used_for_this_call_only() -> None:
    words = "'max_tokens' is too large: 4656. (4656 > 3000 - 1000)"
    send = ScriptedSend(reply_to(400, error(words)), reply_to(200, completion()))
    dialect = Dialect()
    await ask_corrected(send, BODY, dialect, reasoning_tokens=4096)
    assert send.sent[1]["max_tokens"] == 2000
    assert dialect == Dialect()


async def test_an_answer_is_never_cut_to_fit() -> None:
    words = "'max_tokens' is too large: 560. (560 > 1100 - 1000)"
    send = ScriptedSend(reply_to(400, error(words)))
    assert (await ask_corrected(send, BODY, Dialect())).reply.status == 400
    assert len(send.sent) == 1


async def test_an_answer_that_may_have_cost_something_is_not_asked_for_again() -> None:
    send = ScriptedSend(reply_to(500, b"seed is not supported"))
    assert (await ask_corrected(send, BODY, Dialect())).reply.status == 500
    assert len(send.sent) == 1
