"""Puts a paid model together for a service: settings checked, price found, endpoint tried, before anything is spent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import BATCHES, RESPONSES
from daydream_models.batch.api import BatchApi
from daydream_models.batch.worker import BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.client import BudgetedModelClient
from daydream_models.pricing.lookup import find_price, read_prices
from daydream_models.pricing.tariff import Price
from daydream_models.provider import ModelProvider
from daydream_models.response_store import ResponseStore
from daydream_models.settings import ModelSettings, PaidSettings
from daydream_runtime.service import Runtime


@asynccontextmanager
async def open_model(
    runtime: Runtime, settings: PaidSettings, other: ModelSettings | None = None
) -> AsyncIterator[BudgetedModelClient]:
    """The model of this service, or another one of its. ConfigurationError when it has no name or price, can't be reached or refuses the key."""
    model = other or settings.model
    if not model.name:
        raise ConfigurationError(
            "no model is chosen",
            "Set DAYDREAM_MODEL_NAME, and DAYDREAM_MODEL_BASE_URL where it isn't OpenAI's",
        )
    price = find_price(model, read_prices(settings.prices_file))
    async with AsyncExitStack() as stack:
        endpoint = ModelProvider(model)
        stack.push_async_callback(endpoint.close)
        await endpoint.check()
        budget = BudgetClient(runtime.ask, settings.service, model.name)
        answers = ResponseStore(await runtime.bucket(RESPONSES))
        lane = await _lane(runtime, stack, model, answers, budget, price) if model.batch else None
        loops = (partial(lane.run, runtime.pause, runtime.stopping.is_set),) if lane else ()
        yield BudgetedModelClient(
            endpoint, price, budget, answers, runtime.telemetry, lane=lane, loops=loops
        )


async def _lane(
    runtime: Runtime,
    stack: AsyncExitStack,
    model: ModelSettings,
    answers: ResponseStore,
    budget: BudgetClient,
    price: Price,
) -> BatchWorker:
    api = BatchApi(model)
    stack.push_async_callback(api.close)
    await api.check()
    bucket = await runtime.bucket(BATCHES)
    return BatchWorker(
        api,
        runtime.js,
        bucket,
        answers,
        budget,
        price,
        runtime.telemetry,
        collect_s=model.batch_collect_s,
        poll_s=model.batch_poll_s,
    )
