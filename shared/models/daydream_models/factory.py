"""Build a model client for a service: check settings, find its price, try its endpoint.

Nothing is spent before all of that succeeded.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.topology import BATCHES, RESPONSES
from daydream_models.batch.api import BatchApi
from daydream_models.batch.records import BatchRecords
from daydream_models.batch.worker import BatchTiming, BatchWorker
from daydream_models.budget_client import BudgetClient
from daydream_models.client import BudgetedModelClient
from daydream_models.metrics import ModelMetrics
from daydream_models.pricing.lookup import find_price
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.tariff import Price
from daydream_models.provider import ModelProvider
from daydream_models.response_store import ResponseStore
from daydream_models.settings import ModelSettings, PaidSettings
from daydream_runtime.runtime_context import Runtime


@asynccontextmanager
async def open_model(
    runtime: Runtime, settings: PaidSettings, model: ModelSettings | None = None
) -> AsyncIterator[BudgetedModelClient]:
    """Open `model`, or the model of the settings.

    Raise ConfigurationError if it has no name or price, can't be reached or refuses the key.
    """
    model = model or settings.model
    if not model.name:
        raise ConfigurationError(
            "no model is chosen",
            "Set DAYDREAM_MODEL_NAME, and DAYDREAM_MODEL_BASE_URL if it is not OpenAI's",
        )
    price = find_price(model, read_prices(settings.prices_file))
    async with AsyncExitStack() as stack:
        provider = ModelProvider(model)
        stack.push_async_callback(provider.close)
        await provider.check()
        budget = BudgetClient(runtime.rpc, settings.service, model.name)
        responses = ResponseStore(await runtime.bucket(RESPONSES))
        worker = None
        if model.batch:
            worker = await _open_batch_worker(runtime, stack, model, responses, budget, price)
        loops = (partial(worker.run, runtime.pause, runtime.stopping.is_set),) if worker else ()
        yield BudgetedModelClient(
            provider,
            price,
            budget,
            responses,
            runtime.telemetry,
            batch_worker=worker,
            loops=loops,
        )


async def _open_batch_worker(
    runtime: Runtime,
    stack: AsyncExitStack,
    model: ModelSettings,
    responses: ResponseStore,
    budget: BudgetClient,
    price: Price,
) -> BatchWorker:
    api = BatchApi(model)
    stack.push_async_callback(api.close)
    await api.check()
    return BatchWorker(
        api,
        BatchRecords(runtime.js, await runtime.bucket(BATCHES), budget.stage),
        responses,
        budget,
        price,
        ModelMetrics(runtime.telemetry, budget.stage, budget.model),
        BatchTiming(
            collect=timedelta(seconds=model.batch_collect_s),
            poll=timedelta(seconds=model.batch_poll_s),
        ),
    )
