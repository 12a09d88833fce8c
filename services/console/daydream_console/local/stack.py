"""The whole system on this machine: its programs, their settings, and their order."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from daydream_console.local.folder import DataFolder
from daydream_console.local.gateway_port import gateway_port
from daydream_console.local.model import ModelChoice
from daydream_console.local.nats_program import start_nats
from daydream_console.local.processes import Processes, Program, free_port
from daydream_console.local.secret_variables import (
    GATEWAY,
    environment_of,
    stage_keys,
    without_nats,
)
from daydream_console.local.toy_model import toy_weights
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.grants import CONSOLE, PROVISION
from daydream_models.stage_plans import ORACLE
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.provision_command import provision_at

SERVICES = ("budget", "gateway", "memory", "synthesizer", "critic", ORACLE, "sampler", "console")
MODULES = {  # the others have the name of their service
    ORACLE: "daydream_critic.oracle",
    GATEWAY: "daydream_budget.gateway",
}
KNOWN_BY_ADDRESS = (GATEWAY, "console")  # stages and people have their URLs
STOP_GRACE_S = 8.0
REPLICAS = 1  # there is one NATS server
HOLD_TRIES = 20
HOLD_POLL_S = 0.1
FOLDER_POLL_S = 1.0
NO_DRAWS = {
    "DAYDREAM_SAMPLER_ENABLED": "false",
    "DAYDREAM_CRITIC_ENABLED": "false",
    "DAYDREAM_SYNTHESIZER_ENABLED": "false",
}


@dataclass
class Stack:
    """A running system."""

    processes: Processes
    address: NatsAddress
    console_url: str = ""
    gateway_url: str = ""
    ports: dict[str, int] = field(default_factory=dict)


@asynccontextmanager
async def running(
    folder: DataFolder,
    services: tuple[str, ...],
    *,
    model: ModelChoice | None = None,
    console_port: int = 0,
    progress: Callable[[str], None] = lambda _: None,
    draws: bool = True,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Stack]:
    """Start NATS, the model if it is served here, and the services.

    Stop all of them at the end, also after an error.

    Without `draws` no service works on daydreams: the system only answers questions. `settings`
    override those of the environment and of the model. Raise ConfigurationError in the body once
    the folder is removed: nothing could be stored any more that is paid for.
    """
    folder.make()
    await _hold(folder)
    processes = Processes(
        folder.path / "logs",
        changed=lambda: _write_address(folder, stack),
        report=progress,
    )
    stack = Stack(processes, NatsAddress(()))
    owner = asyncio.current_task()
    assert owner is not None
    watch = asyncio.create_task(_watch(folder, owner))
    try:
        progress("starting NATS")
        url = await start_nats(processes, folder)
        await provision_at(folder.nats_address(url, PROVISION), REPLICAS)
        stack.address = folder.nats_address(url, CONSOLE)
        environment = _environment(folder, stack) | ({} if draws else NO_DRAWS)
        if model is not None:
            environment |= (await _serve_model(processes, model, progress)).environment()
        environment |= settings
        progress(f"starting {', '.join(services)}")
        keys = stage_keys(folder.token)
        await _start_services(stack, services, environment, keys, console_port)
        _write_address(folder, stack)
        yield stack
    except asyncio.CancelledError:
        if watch.done() and owner.uncancel() == 0:
            raise _removed(folder) from None
        raise
    finally:
        watch.cancel()
        progress("stopping")
        await processes.stop(STOP_GRACE_S)
        folder.release()


async def _watch(folder: DataFolder, owner: asyncio.Task[object]) -> None:
    """Cancel the task that runs the system once its folder is removed."""
    while not folder.is_gone():  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(FOLDER_POLL_S)
    owner.cancel()


def _removed(folder: DataFolder) -> ConfigurationError:
    return ConfigurationError(
        f"the data folder {folder.path} was removed while daydream was running, so it stopped",
        "Restore the folder from a copy, or start again with an empty one",
    )


async def _hold(folder: DataFolder) -> None:
    """Take the lock of the folder. Wait for a command that only looks at it, or ends."""
    for _ in range(HOLD_TRIES):
        if folder.hold():
            return
        await asyncio.sleep(HOLD_POLL_S)
    raise ConfigurationError(
        f"daydream is already running in {folder.path}{folder.holder}",
        "Stop it first, or choose another folder with --data",
    )


def _environment(folder: DataFolder, stack: Stack) -> dict[str, str]:
    return {
        "DAYDREAM_CONSOLE_FOLDER": str(folder.path / "console"),
        "DAYDREAM_NATS_URL": str(stack.address),
        "DAYDREAM_MEMORY_FOLDER": str(folder.path / "memory"),
        "DAYDREAM_SAMPLER_PAIRS_MAX": "0",
    }


async def _start_services(
    stack: Stack,
    services: tuple[str, ...],
    environment: Mapping[str, str],
    keys: Mapping[str, str],
    console_port: int,
) -> None:
    stack.ports = {service: free_port() for service in services}
    if GATEWAY in services:
        stack.ports[GATEWAY] = gateway_port()
        stack.gateway_url = f"http://127.0.0.1:{stack.ports[GATEWAY]}/v1"
    common = {**without_nats(os.environ), **environment}
    if "console" in services:
        web_port = console_port or free_port()
        stack.console_url = f"http://127.0.0.1:{web_port}/"
        common["DAYDREAM_CONSOLE_WEB_PORT"] = str(web_port)
    programs = []
    for name, port in stack.ports.items():
        variables = common | stack.address.login.of(name).variables()
        own = environment_of(name, variables, keys, stack.gateway_url)
        programs.append(_service(name, port, own))
    await asyncio.gather(*(stack.processes.start(program) for program in programs))


def _write_address(folder: DataFolder, stack: Stack) -> None:
    """Store the address of the running system for other commands."""
    content = {
        "pid": os.getpid(),
        "nats_url": str(stack.address),
        "console_url": stack.console_url,
        "gateway_url": stack.gateway_url,
        "processes": stack.processes.pids(),
    }
    folder.write("running.json", content)


def _service(name: str, port: int, environment: Mapping[str, str]) -> Program:
    return Program(
        name,
        [sys.executable, "-m", module_of(name)],
        f"http://127.0.0.1:{port}/readyz",
        {
            **environment,
            f"DAYDREAM_{name.upper()}_HTTP_PORT": str(port),
            "DAYDREAM_STOP_TIMEOUT_S": f"{STOP_GRACE_S - 2:g}",
        },
        port,
        None if name in KNOWN_BY_ADDRESS else lambda: _service(name, free_port(), environment),
    )


def module_of(service: str) -> str:
    """Return the module that runs a service."""
    return MODULES.get(service, f"daydream_{service}")


def services_wanted() -> tuple[str, ...]:
    """Return all services; without the oracle if DAYDREAM_SAMPLER_STAGES is set and does not
    contain it.
    """
    stages = os.environ.get("DAYDREAM_SAMPLER_STAGES")
    without_oracle = stages is not None and ORACLE not in stages.replace(" ", "").split(",")
    return tuple(name for name in SERVICES if name != ORACLE or not without_oracle)


async def _serve_model(
    processes: Processes, model: ModelChoice, progress: Callable[[str], None]
) -> ModelChoice:
    """Serve the model here if it has no base URL. Return it with its base URL."""
    if model.base_url:
        return model
    weights = model.weights
    if weights is None:
        progress("downloading the toy model (93 MB, once)")
        weights = await asyncio.to_thread(toy_weights)
    progress("starting the model")
    port = free_port()
    server = [sys.executable, "-m", "daydream_console.local.model_server"]
    options = ["--weights", str(weights), "--name", model.name, "--port", str(port)]
    health = f"http://127.0.0.1:{port}/health"
    environment = environment_of("model", os.environ)
    await processes.start(Program("model", [*server, *options], health, environment))
    return replace(model, base_url=f"http://127.0.0.1:{port}/v1", weights=weights)
