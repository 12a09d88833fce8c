"""The gateway's real application in memory: each of its endpoints, and requests that fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast

import pytest
from faststream.nats import TestNatsBroker
from nats.js.errors import KeyWrongLastSequenceError, NoKeysError
from nats.js.kv import KeyValue
from pydantic import BaseModel

from daydream_budget.gateway.app import ENDPOINTS, build
from daydream_budget.gateway.issued_keys import ID_CHARS, IssuedKeys
from daydream_budget.gateway.limiter.registry import LimiterRegistry
from daydream_budget.gateway.limiter.terms import LimiterSettings
from daydream_budget.gateway.model_profile import ModelProfile
from daydream_budget.gateway.models import Models
from daydream_budget.gateway.providers.providers_file import Providers
from daydream_budget.gateway.settings import DefaultProvider, GatewaySettings
from daydream_budget.pricing.price_file import FlatPrice
from daydream_contracts.rpc import (
    AddKey,
    EmptyRequest,
    GatewayState,
    IssuedKey,
    KeyList,
    Quote,
    QuoteRequest,
    RevokeKey,
)
from daydream_contracts.topology import (
    GATEWAY_ADD_KEY,
    GATEWAY_KEYS,
    GATEWAY_QUOTE,
    GATEWAY_REVOKE_KEY,
    GATEWAY_STATE,
)
from daydream_runtime.application import ServiceApp
from daydream_runtime.rpc import FAILURE_HEADER, REASON_HEADER

SECRET_SHA256 = sha256(b"a secret").hexdigest()
PRICE = FlatPrice.model_validate({"input_usd_per_mtok": 1, "output_usd_per_mtok": 2})
ADD = AddKey(secret_sha256=SECRET_SHA256, team="alignment", purpose="evaluation", who="ada")


class FakeKeyBucket:
    """A bucket in memory: what of it the issued keys need. A key is created once."""

    def __init__(self) -> None:
        self.entries: dict[str, SimpleNamespace] = {}

    async def keys(self) -> list[str]:
        if not self.entries:
            raise NoKeysError
        return list(self.entries)

    async def get(self, key: str) -> SimpleNamespace:
        return self.entries[key]

    async def put(self, key: str, value: bytes) -> None:
        self.entries[key] = SimpleNamespace(key=key, value=value)

    async def update(self, key: str, value: bytes, *, last: int) -> None:
        if (key in self.entries) != bool(last):
            raise KeyWrongLastSequenceError
        await self.put(key, value)


@pytest.fixture
async def app() -> AsyncIterator[ServiceApp]:
    app = build(GatewaySettings(instance="gateway-1"))
    models = Models(
        Providers.read(DefaultProvider(base_url="http://127.0.0.1:1/v1"), ""),
        {"priced-1": PRICE},
        LimiterRegistry(lambda _: LimiterSettings(), asyncio.get_running_loop()),
        4096,
        lambda *_: ModelProfile(),
    )
    app.context.set_global("models", models)
    app.context.set_global("keys", IssuedKeys(cast(KeyValue, FakeKeyBucket())))
    app.context.set_global("instance", "gateway-1")
    yield app
    await models.close()


async def reply_to(app: ServiceApp, subject: str, request: BaseModel | list[str]) -> Any:
    async with TestNatsBroker(app.nats) as broker:
        return await broker.request(request, subject)


async def test_a_quote_has_the_prices_of_a_known_model(app: ServiceApp) -> None:
    reply = await reply_to(app, GATEWAY_QUOTE.subject, QuoteRequest(model="priced-1"))
    quote = Quote.model_validate_json(reply.body)
    assert (quote.problem, quote.input_token_nanousd, quote.output_token_nanousd) == (
        "",
        1000,
        2000,
    )


async def test_a_quote_says_why_a_model_without_a_price_is_not_asked(app: ServiceApp) -> None:
    reply = await reply_to(app, GATEWAY_QUOTE.subject, QuoteRequest(model="no-such-model"))
    quote = Quote.model_validate_json(reply.body)
    assert "no-such-model" in quote.problem
    assert quote.fix


async def test_the_state_names_the_replica_and_the_models_that_were_asked(app: ServiceApp) -> None:
    await reply_to(app, GATEWAY_QUOTE.subject, QuoteRequest(model="priced-1"))
    reply = await reply_to(app, GATEWAY_STATE.subject, EmptyRequest())
    state = GatewayState.model_validate_json(reply.body)
    assert state.instance == "gateway-1"
    assert [model.model for model in state.models] == ["priced-1"]


async def test_the_state_has_a_model_that_another_replica_was_asked_for_and_that_is_stopped(
    app: ServiceApp,
) -> None:
    models: Models = app.context.get("models")
    limiter = models.limiters.limiter("default", "priced-1")
    turn = await limiter.acquire(patience_s=1)
    limiter.report(turn, "stop", reason="Insufficient Balance")
    models.limiters.limiter("default", "without-a-price")
    reply = await reply_to(app, GATEWAY_STATE.subject, EmptyRequest())
    [model] = GatewayState.model_validate_json(reply.body).models
    assert (model.model, model.stopped) == ("priced-1", "Insufficient Balance")


async def test_a_key_is_issued_once_listed_and_revoked(app: ServiceApp) -> None:
    issued, again = [
        IssuedKey.model_validate_json((await reply_to(app, GATEWAY_ADD_KEY.subject, ADD)).body)
        for _ in range(2)
    ]
    assert issued == again
    assert issued.key_id == SECRET_SHA256[:ID_CHARS]
    listed = await reply_to(app, GATEWAY_KEYS.subject, EmptyRequest())
    assert KeyList.model_validate_json(listed.body).keys == (issued,)
    revoke = RevokeKey(key_id=issued.key_id, who="bob")
    reply = await reply_to(app, GATEWAY_REVOKE_KEY.subject, revoke)
    revoked = IssuedKey.model_validate_json(reply.body)
    assert revoked.revoked_by == "bob"
    listed = await reply_to(app, GATEWAY_KEYS.subject, EmptyRequest())
    assert KeyList.model_validate_json(listed.body).keys == (revoked,)


async def test_an_unknown_key_is_not_revoked(app: ServiceApp) -> None:
    revoke = RevokeKey(key_id="unknown", who="bob")
    reply = await reply_to(app, GATEWAY_REVOKE_KEY.subject, revoke)
    assert (reply.headers[FAILURE_HEADER], reply.headers[REASON_HEADER]) == (
        "permanent",
        "unknown-key",
    )


@pytest.mark.parametrize("subject", [endpoint.subject for endpoint in ENDPOINTS])
async def test_a_request_that_is_no_object_is_answered_with_a_failure(
    app: ServiceApp, subject: str
) -> None:
    reply = await reply_to(app, subject, ["no", "object"])
    assert reply.headers[FAILURE_HEADER] == "permanent"
    listed = await reply_to(app, GATEWAY_KEYS.subject, EmptyRequest())
    assert KeyList.model_validate_json(listed.body).keys == ()
