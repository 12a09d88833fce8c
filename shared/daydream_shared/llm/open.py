"""Puts a paid model together for a service: settings checked, price found, endpoint tried, before anything is spent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from daydream_shared.failures import WrongSetting
from daydream_shared.llm.answers import AnswerStore
from daydream_shared.llm.ask import PaidModel
from daydream_shared.llm.batch_api import BatchApi
from daydream_shared.llm.batch_lane import BatchLane
from daydream_shared.llm.endpoint import ModelEndpoint
from daydream_shared.money.prices import find_price, read_prices
from daydream_shared.money.purse import Purse
from daydream_shared.money.tariff import Price
from daydream_shared.runtime import Runtime
from daydream_shared.settings import ModelSettings, PaidSettings
from daydream_shared.subjects import ANSWERS, BATCHES


@asynccontextmanager
async def open_model(runtime: Runtime, settings: PaidSettings, other: ModelSettings | None = None) -> AsyncIterator[PaidModel]:
    """The model of this service, or another one of its. WrongSetting when it has no name or price, can't be reached or refuses the key."""
    model = other or settings.model
    if not model.name:
        raise WrongSetting("no model is chosen", "Set DAYDREAM_MODEL_NAME, and DAYDREAM_MODEL_BASE_URL where it isn't OpenAI's")
    price = find_price(model, read_prices(settings.prices_file))
    async with AsyncExitStack() as stack:
        endpoint = ModelEndpoint(model)
        stack.push_async_callback(endpoint.close)
        await endpoint.check()
        purse = Purse(runtime.ask, settings.service, model.name)
        answers = AnswerStore(await runtime.bucket(ANSWERS))
        lane = await _lane(runtime, stack, model, answers, purse, price) if model.batch else None
        loops = (partial(lane.run, runtime.pause, runtime.stopping.is_set),) if lane else ()
        yield PaidModel(endpoint, price, purse, answers, runtime.telemetry, lane=lane, loops=loops)


async def _lane(runtime: Runtime, stack: AsyncExitStack, model: ModelSettings, answers: AnswerStore, purse: Purse, price: Price) -> BatchLane:
    api = BatchApi(model)
    stack.push_async_callback(api.close)
    await api.check()
    bucket = await runtime.bucket(BATCHES)
    return BatchLane(api, runtime.js, bucket, answers, purse, price, runtime.telemetry, collect_s=model.batch_collect_s, poll_s=model.batch_poll_s)
