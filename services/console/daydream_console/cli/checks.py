"""What must be right before anything is started or spent. `daydream doctor` shows all of it, `up` and `run` stop at the first."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import ClassVar

from daydream_console.local.folder import DataFolder, model_cache
from daydream_console.local.model import TOY_FILE, ModelChoice, found_servers
from daydream_console.local.stack import SERVICES, module_of, nats_server, services_wanted
from daydream_contracts.errors import ConfigurationError
from daydream_models.pricing.lookup import FREE, find_price
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.tariff import Price
from daydream_models.provider import ModelProvider
from daydream_models.reservations import ORACLE
from daydream_models.settings import PaidSettings
from daydream_runtime.health import bind
from daydream_runtime.unknown_settings import unknown_settings

DISK_BYTES_MIN = 1 << 30


@dataclass(frozen=True)
class DoctorCheck:
    """One check: `fix` is empty when all is well."""

    about: str
    found: str
    fix: str = ""


class SynthesizerRole(PaidSettings):
    """The model settings as the synthesizer will read them."""

    service: ClassVar[str] = "synthesizer"


class CriticRole(PaidSettings):
    """The model settings as the critic will read them."""

    service: ClassVar[str] = "critic"


class OracleRole(PaidSettings):
    """The model settings as the oracle will read them."""

    service: ClassVar[str] = ORACLE


async def check_model(model: ModelChoice) -> list[Price]:
    """Reach the models of all roles and find their prices, before anything is spent. ConfigurationError at the first that fails."""
    prices = []
    own = read_prices(os.environ.get("DAYDREAM_PRICES_FILE", ""))
    os.environ.update(model.environment())  # what the services will be started with
    roles = (SynthesizerRole, CriticRole, *([OracleRole] if ORACLE in services_wanted() else []))
    for role in roles:
        settings = role.read().model
        prices.append(find_price(settings, own))
        endpoint = ModelProvider(settings)
        try:
            await endpoint.check()
        finally:
            await endpoint.close()
    return prices


def check_programs(*, serves_model: bool) -> str:
    """The programs that a system on this machine needs."""
    missing = [service for service in SERVICES if find_spec(module_of(service)) is None]
    if missing:
        raise ConfigurationError(
            f"these services are not installed: {', '.join(missing)}",
            "Install them, e.g. with make setup",
        )
    if serves_model and find_spec("xllamacpp") is None:
        raise ConfigurationError(
            "the runtime for local models is not installed",
            "pip install xllamacpp, or point at a model with --base-url",
        )
    return str(nats_server())


def misspelt_variables() -> list[str]:
    """What is to be said of variables that no service reads though they look like settings."""
    kinds = [
        getattr(import_module(f"{module_of(service)}.settings"), f"{service.capitalize()}Settings")
        for service in SERVICES
        if find_spec(module_of(service))
    ]
    return unknown_settings(kinds, os.environ, everything=True)


def check_port(port: int) -> None:
    """That the console's port is free (0: any)."""
    listener: socket.socket = bind("127.0.0.1", port)
    listener.close()


def check_folder(folder: DataFolder) -> str:
    """That the data folder can be written and has room."""
    folder.make()
    free = shutil.disk_usage(folder.path).free
    if free < DISK_BYTES_MIN:
        raise ConfigurationError(
            f"only {free >> 20} MB are free at {folder.path}",
            "Make room, or give another folder with --data",
        )
    return f"{folder.path}, {free >> 30} GB free"


async def findings(
    folder: DataFolder, model: Callable[[], ModelChoice], port: int
) -> list[DoctorCheck]:
    """Everything that `doctor` looks at."""

    async def model_and_price() -> str:
        choice = model()
        if choice.weights or choice.toy:
            fetched = choice.weights or model_cache() / TOY_FILE
            state = "" if fetched.exists() else " (is fetched at the first run, 93 MB)"
            return f"{choice.name}, served here, free{state}"
        prices = await check_model(choice)
        return f"{choice.name} at {choice.base_url}, {'free' if all(price is FREE for price in prices) else 'priced'}"

    async def port_is_free() -> str:
        check_port(port)
        return f"port {port} is free"

    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("data folder", lambda: asyncio.to_thread(check_folder, folder)),
        (
            "programs",
            lambda: asyncio.to_thread(
                check_programs, serves_model=model().weights is not None or model().toy
            ),
        ),
        ("model", model_and_price),
        ("console", port_is_free),
    ]
    found = []
    for about, check in checks:
        try:
            found.append(DoctorCheck(about, await check()))
        except ConfigurationError as wrong:
            found.append(DoctorCheck(about, wrong.what, wrong.fix))
    found += [
        DoctorCheck("settings", mistake, "Correct or unset it") for mistake in misspelt_variables()
    ]
    found += [
        DoctorCheck(
            "offer",
            f"{server} answers on this machine",
            f"Use it: --base-url {url} --model-name {name}",
        )
        for server, url, name in found_servers()
    ]
    return found
