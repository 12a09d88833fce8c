"""What one replica learned of a model is known to the others, and after the next start."""

from __future__ import annotations

from typing import Any

from nats.aio.client import Client

from daydream_budget.gateway.callers import Caller
from daydream_budget.gateway.providers.provider import CHAT_PATH
from daydream_budget.gateway.providers.reasoning import SEEN_MIN
from daydream_budget.gateway.providers.reply import ProviderReply
from daydream_budget.pricing.usage import TokenUsage
from daydream_contracts.buckets import MODEL_PROFILES
from support.gateway import gateway_here

NAME = "vendor/model"
HERE: dict[str, Any] = {"model": {"base_url": "http://127.0.0.1:9/v1", "free": True}}
ELSEWHERE: dict[str, Any] = {
    "model": {"base_url": "http://127.0.0.1:10/v1", "free": True, "answers": "text"}
}
STAGE = Caller(stage="critic")
BODY: dict[str, Any] = {"messages": [{"role": "user", "content": "Say something."}]}
THINKING = ProviderReply(
    200, "completion", finish="stop", text="yes", usage=TokenUsage(10, 1005, reasoning_tokens=1000)
)


async def learned(nc: Client, settings: dict[str, Any]) -> dict[str, str]:
    """Return what a replica that starts now sends no more, with the reason."""
    async with gateway_here(nc, **settings) as gateway:
        refused = gateway.models.open(NAME).dialect.refused
        return {feature: refusal.words for feature, refusal in refused.items()}


async def test_replicas_share_their_profiles_and_keep_them_over_a_start(nc: Client) -> None:
    async with gateway_here(nc, **HERE) as first, gateway_here(nc, **HERE) as second:
        first_model, second_model = first.models.open(NAME), second.models.open(NAME)
        first_model.dialect.refuse("seed", "no seed", at_s=10)
        second_model.dialect.refuse("logprobs", "no logprobs", at_s=20)
        second_model.dialect.caps["max_tokens"] = 900
        for gateway, model in ((first, first_model), (second, second_model), (first, first_model)):
            await gateway.profiles.exchange(model)
        assert set(first_model.dialect.refused) == {"seed", "logprobs"}
        assert first_model.dialect == second_model.dialect
    assert await learned(nc, HERE) == {"seed": "no seed", "logprobs": "no logprobs"}


async def test_replicas_share_what_bills_and_thought_taught(nc: Client) -> None:
    async with gateway_here(nc, **HERE) as first, gateway_here(nc, **HERE) as second:
        first_model, second_model = first.models.open(NAME), second.models.open(NAME)
        call = first_model.prepare(STAGE, CHAT_PATH, BODY)
        assert first_model.learn_bill(first_model.bound(call, 60), 5000)
        for _ in range(SEEN_MIN):
            first_model.allowances.for_role("critic").observe(THINKING)
        for gateway, model in ((first, first_model), (second, second_model)):
            await gateway.profiles.exchange(model)
        assert second_model.bound(call, 60).nanousd >= 5000
        assert second_model.prepare(STAGE, CHAT_PATH, BODY).reasoning_tokens == 1500
    async with gateway_here(nc, **HERE) as later:
        assert later.models.open(NAME).profile() == first_model.profile()


async def test_what_the_operator_set_or_another_address_refused_is_not_shared(nc: Client) -> None:
    async with gateway_here(nc, **ELSEWHERE) as gateway:
        model = gateway.models.open(NAME)
        assert not model.dialect.takes("response_format:json_schema")
        model.dialect.refuse("seed", "no seed", at_s=10)
        await gateway.profiles.exchange(model)
    assert await learned(nc, HERE) == {}
    without_setting = {"model": {**ELSEWHERE["model"], "answers": "auto"}}
    assert await learned(nc, without_setting) == {"seed": "no seed"}


async def test_an_entry_that_cannot_be_read_is_learned_again(nc: Client) -> None:
    async with gateway_here(nc, **HERE) as gateway:
        model = gateway.models.open(NAME)
        model.dialect.refuse("seed", "no seed", at_s=10)
        await gateway.profiles.exchange(model)
    bucket = await nc.jetstream().key_value(MODEL_PROFILES.name)
    [key] = await bucket.keys()
    await bucket.put(key, b"not json")
    assert await learned(nc, HERE) == {}
