"""Puts a paid model together for a service: settings checked, price found, endpoint tried, before anything is spent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daydream_shared.failures import WrongSetting
from daydream_shared.llm.answers import AnswerStore
from daydream_shared.llm.ask import PaidModel
from daydream_shared.llm.endpoint import ModelEndpoint
from daydream_shared.money.prices import find_price, read_prices
from daydream_shared.money.purse import Purse
from daydream_shared.runtime import Runtime
from daydream_shared.settings import PaidSettings
from daydream_shared.subjects import ANSWERS


@asynccontextmanager
async def open_model(runtime: Runtime, settings: PaidSettings) -> AsyncIterator[PaidModel]:
    """The model of this service. WrongSetting when it has no name or price, can't be reached or refuses the key."""
    model = settings.model
    if not model.name:
        raise WrongSetting("no model is chosen", "Set DAYDREAM_MODEL_NAME, and DAYDREAM_MODEL_BASE_URL where it isn't OpenAI's")
    price = find_price(model, read_prices(settings.prices_file))
    endpoint = ModelEndpoint(model)
    try:
        await endpoint.check()
        purse = Purse(runtime.ask, settings.service, model.name)
        yield PaidModel(endpoint, price, purse, AnswerStore(await runtime.bucket(ANSWERS)), runtime.telemetry)
    finally:
        await endpoint.close()
