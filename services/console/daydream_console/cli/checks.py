"""Check this machine before anything is started or spent.

`daydream doctor` shows all checks; `up` and `run` stop at the first problem.
"""

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
from daydream_console.local.model import TOY_FILE, ModelChoice, local_servers
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
OFFER = "offer"  # a model server that could be used; no problem


@dataclass(frozen=True)
class DoctorCheck:
    """The result of a check. `fix` is empty if there is no problem."""

    about: str
    result: str
    fix: str = ""

    @property
    def is_problem(self) -> bool:
        return bool(self.fix) and self.about != OFFER


class SynthesizerRole(PaidSettings):
    """The model settings as the synthesizer reads them."""

    service: ClassVar[str] = "synthesizer"


class CriticRole(PaidSettings):
    """The model settings as the critic reads them."""

    service: ClassVar[str] = "critic"


class OracleRole(PaidSettings):
    """The model settings as the oracle reads them."""

    service: ClassVar[str] = ORACLE


async def check_model(model: ModelChoice) -> list[Price]:
    """Connect to the models of all roles and return their prices.

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
    return prices


def check_programs(*, serves_model: bool) -> str:
    """Find the programs that a local system needs. Return the path of nats-server."""
    missing = [service for service in SERVICES if find_spec(module_of(service)) is None]
    if missing:
        raise ConfigurationError(
            f"Services not installed: {', '.join(missing)}", "Install them, e.g. with make setup"
        )
    if serves_model and find_spec("xllamacpp") is None:
        raise ConfigurationError(
            "The runtime for local models is not installed",
            "Run pip install xllamacpp, or use another model with --base-url",
        )
    return str(nats_server())


def unknown_variables() -> list[str]:
    """Return a message for each variable that looks like a setting but is read by no service."""
    settings = [
        getattr(import_module(f"{module_of(service)}.settings"), f"{service.capitalize()}Settings")
        for service in SERVICES
        if find_spec(module_of(service))
    ]
    return unknown_settings(settings, os.environ, everything=True)


def check_port(port: int) -> str:
    """Check that the port of the web page is free (0: any)."""
    listener: socket.socket = bind("127.0.0.1", port)
    listener.close()
    return f"port {port} is free"


def check_folder(folder: DataFolder) -> str:
    """Check that the data folder is writable and has enough room."""
    folder.make()
    free_bytes = shutil.disk_usage(folder.path).free
    if free_bytes < DISK_BYTES_MIN:
        raise ConfigurationError(
            f"Only {free_bytes >> 20} MB free at {folder.path}",
            "Free some space, or choose another folder with --data",
        )
    return f"{folder.path}, {free_bytes >> 30} GB free"


async def run_checks(
    folder: DataFolder, choose_model: Callable[[], ModelChoice], port: int
) -> list[DoctorCheck]:
    """Run all checks of `daydream doctor`. Start nothing, spend nothing."""

    async def programs() -> str:
        choice = choose_model()
        serves_model = choice.weights is not None or choice.toy
        return await asyncio.to_thread(check_programs, serves_model=serves_model)

    checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
        ("data folder", lambda: asyncio.to_thread(check_folder, folder)),
        ("programs", programs),
        ("model", lambda: _describe_model(choose_model())),
        ("console", lambda: asyncio.to_thread(check_port, port)),
    ]
    results = [await _run_check(about, check) for about, check in checks]
    results += [
        DoctorCheck("settings", message, "Correct it or unset it")
        for message in unknown_variables()
    ]
    results += [
        DoctorCheck(
            OFFER,
            f"{server} is running on this machine",
            f"To use it: --base-url {url} --model-name {name}",
        )
        for server, url, name in local_servers()
    ]
    return results


async def _run_check(about: str, check: Callable[[], Awaitable[str]]) -> DoctorCheck:
    try:
        return DoctorCheck(about, await check())
    except ConfigurationError as error:
        return DoctorCheck(about, error.problem, error.fix)


async def _describe_model(choice: ModelChoice) -> str:
    if choice.weights or choice.toy:
        file = choice.weights or model_cache() / TOY_FILE
        state = "" if file.exists() else " (downloaded at the first run, 93 MB)"
        return f"{choice.name}, served here, free{state}"
    prices = await check_model(choice)
    free = all(price is FREE for price in prices)
    return f"{choice.name} at {choice.base_url}, {'free' if free else 'paid'}"
