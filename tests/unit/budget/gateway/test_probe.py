"""The probe finds out what a model can do, with one paid call where nothing is odd."""

from __future__ import annotations

from typing import Any

import pytest

from daydream_budget.gateway.providers.capabilities import Capabilities
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.providers.corrections import ask_corrected
from daydream_budget.gateway.providers.dialect import Dialect
from daydream_budget.gateway.providers.probe import probe
from daydream_budget.gateway.providers.provider import CHAT_PATH, Provider
from daydream_budget.gateway.providers.reasoning import ReasoningAllowances
from daydream_budget.gateway.providers.reply import ProviderReply
from support.fake_provider import FakeProvider


async def probed(fake: FakeProvider, behaviour: str, **settings: Any) -> Capabilities:
    config = ProviderConfig(base_url=fake.base_url(behaviour), timeout_s=5, **settings)
    provider = Provider(config)

    dialect = Dialect.of(config)
    allowance = ReasoningAllowances("priced-1", fixed=config.reasoning_tokens_max).for_role(
        "critic"
    )

    async def send(body: dict[str, Any]) -> ProviderReply:
        return await provider.attempt(CHAT_PATH, body)

    async def ask(body: dict[str, Any]) -> ProviderReply:
        asked = await ask_corrected(send, body, dialect, reasoning_tokens=allowance.tokens)
        allowance.observe(asked.reply)
        return asked.reply

    try:
        return await probe(ask, config, "priced-1", dialect)
    finally:
        await provider.close()


@pytest.mark.parametrize(
    ("behaviour", "findings"),
    [
        ("plain", {"best_format": "json_schema", "takes_seed": True, "reports_usage": True}),
        (
            "max-completion-tokens",
            {"maximum_name": "max_completion_tokens", "takes_temperature": False},
        ),
        ("no-json-schema", {"best_format": "json_object", "follows_schema": True}),
        ("text-only", {"best_format": "text", "follows_schema": True}),
        ("no-seed", {"takes_seed": False}),
        ("mistral", {"takes_seed": False, "returns_logprobs": False, "takes_temperature": True}),
        ("content-chunks", {"text_source": "chunks", "thought_source": "reasoning_content"}),
        ("thought-only", {"text_source": "reasoning"}),
        ("no-usage", {"reports_usage": False}),
        ("reported-cost", {"reports_cost": True}),
    ],
)
async def test_abilities_are_found_with_one_paid_call(
    behaviour: str, findings: dict[str, Any]
) -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, behaviour)
    seen = {name: getattr(capabilities, name) for name in findings}
    assert seen == findings
    assert capabilities.follows_schema
    assert capabilities.paid_calls == sum(fake.bill.asked.values()) == 1
    assert Capabilities.model_validate_json(capabilities.model_dump_json()) == capabilities


async def test_a_schema_that_is_ignored_is_asked_for_in_words_from_then_on() -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, "schema-ignored")
    assert (capabilities.best_format, capabilities.follows_schema) == ("json_object", True)
    assert capabilities.paid_calls == 2


async def test_a_model_that_thinks_gets_an_allowance() -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, "thinks")
    assert capabilities.reasoning_tokens == 1100
    assert capabilities.reasoning_share > 0.9
    assert capabilities.reasoning_allowance == 4400
    assert capabilities.paid_calls == 2


async def test_the_operators_allowance_stays() -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, "thinks", reasoning_tokens_max=1500)
    assert capabilities.reasoning_allowance == 1500
    assert capabilities.paid_calls == 1


@pytest.mark.parametrize("behaviour", ["draft-in-thoughts", "prose", "blanks"])
async def test_a_model_that_cannot_is_asked_at_most_three_times(behaviour: str) -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, behaviour)
    assert not capabilities.follows_schema
    assert capabilities.paid_calls <= 3


async def test_a_provider_that_refuses_is_reported_in_its_words() -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, "out-of-balance")
    assert capabilities.lines() == ["priced-1 at default gave no answer: Insufficient Balance"]


async def test_the_report_says_what_was_found() -> None:
    async with FakeProvider() as fake:
        lines = (await probed(fake, "no-seed")).lines()
    assert any(line.startswith("seed: no, temperature: yes") for line in lines)
    assert "usage: reported" in lines


async def test_a_model_that_is_cut_twice_gets_no_allowance_from_the_probe() -> None:
    async with FakeProvider() as fake:
        capabilities = await probed(fake, "draft-in-thoughts")
    assert (capabilities.reasoning_allowance, capabilities.paid_calls) == (0, 2)
