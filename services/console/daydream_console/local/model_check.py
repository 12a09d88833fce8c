"""Connect to the models of all roles before anything is started or spent."""

from __future__ import annotations

import os
from typing import ClassVar

from daydream_console.local.model import ModelChoice
from daydream_console.local.stack import services_wanted
from daydream_models.pricing.lookup import FREE, find_price
from daydream_models.pricing.price_file import read_prices
from daydream_models.provider import ModelProvider
from daydream_models.reservations import ORACLE
from daydream_models.settings import PaidSettings


class SynthesizerRole(PaidSettings):
    """The model settings as the synthesizer reads them."""

    service: ClassVar[str] = "synthesizer"


class CriticRole(PaidSettings):
    """The model settings as the critic reads them."""

    service: ClassVar[str] = "critic"


class OracleRole(PaidSettings):
    """The model settings as the oracle reads them."""

    service: ClassVar[str] = ORACLE


async def check_model(model: ModelChoice) -> bool:
    """Connect to the models of all roles. Return True if all of them are free.

    Raise ConfigurationError at the first failure.
    """
    own_prices = read_prices(os.environ.get("DAYDREAM_PRICES_FILE", ""))
    os.environ.update(model.environment())  # the services are started with it
    roles = [SynthesizerRole, CriticRole]
    if ORACLE in services_wanted():
        roles.append(OracleRole)
    prices = []
    for role in roles:
        settings = role.read().model
        prices.append(find_price(settings, own_prices))
        provider = ModelProvider(settings)
        try:
            await provider.check()
        finally:
            await provider.close()
    return all(price is FREE for price in prices)
