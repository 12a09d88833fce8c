"""Open a model for a service: ask the gateway what it costs, before anything is asked of it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from tenacity import (
    AsyncRetrying,
    before_sleep_log,
    retry_if_exception_type,
    wait_fixed,
)

from daydream_contracts.errors import ConfigurationError, RetryLaterError
from daydream_contracts.rpc import Quote, QuoteRequest
from daydream_contracts.topology import GATEWAY_QUOTE
from daydream_models.client import ModelClient
from daydream_models.gateway_client import GatewayClient
from daydream_models.settings import GatewayAddress, ModelSettings, PaidSettings
from daydream_runtime.runtime_context import Runtime

log = logging.getLogger(__name__)
RETRY_S = 1.0


@asynccontextmanager
async def open_model(
    runtime: Runtime, settings: PaidSettings, model: ModelSettings | None = None
) -> AsyncIterator[ModelClient]:
    """Open `model`, or the model of the settings. Wait for the gateway.

    Raise ConfigurationError if it has no name or price, or its provider refuses the key.
    """
    model = model or settings.model
    if not model.name:
        raise ConfigurationError(
            "no model is chosen",
            "Set DAYDREAM_MODEL_NAME, and DAYDREAM_MODEL_BASE_URL if it is not OpenAI's",
        )
    quote = await quote_of(runtime, model.name)
    async with open_gateway_client(settings.gateway, model.name) as gateway:
        yield ModelClient(gateway, model, quote, settings.service)


@asynccontextmanager
async def open_gateway_client(address: GatewayAddress, model: str) -> AsyncIterator[GatewayClient]:
    """Open the way to the gateway. Wait for it. Raise ConfigurationError if it refuses the key."""
    gateway = GatewayClient(address)
    try:
        await _patiently(partial(gateway.check, model))
        yield gateway
    finally:
        await gateway.close()


async def quote_of(runtime: Runtime, model: str) -> Quote:
    """Return what the tokens of a model cost. Wait for the gateway.

    Raise ConfigurationError if the model can't be asked.
    """
    request = partial(runtime.rpc.request, GATEWAY_QUOTE, QuoteRequest(model=model))
    quote: Quote = await _patiently(request)
    if quote.problem:
        raise ConfigurationError(quote.problem, quote.fix)
    return quote


async def _patiently(request: Callable[[], Awaitable[Any]]) -> Any:
    """Repeat a request until the gateway answers it."""
    retrying = AsyncRetrying(
        retry=retry_if_exception_type(RetryLaterError),
        wait=wait_fixed(RETRY_S),
        before_sleep=before_sleep_log(log, logging.INFO),
    )
    return await retrying(request)
