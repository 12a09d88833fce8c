"""NATS refuses a service that was connected: it waits, does not spin, and continues by itself."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil
import pytest

from support.polling import eventually
from support.programs import NatsServer, answers
from support.services import service

REFUSING = '\nauthorization { token: "another" }\n'
WATCHED_S, CPU_SHARE_MAX = 4.0, 0.5


def address_of(folder: Path) -> str:
    """Return the port in the name of the log."""
    (log,) = folder.glob("budget-*.log")
    return log.stem.rpartition("-")[2]


@pytest.mark.fault("F6", invariant="a service that NATS refuses waits without spinning")
async def test_a_service_that_nats_refuses_for_a_time_waits_and_continues(
    bare_server: NatsServer, tmp_path: Path
) -> None:
    await asyncio.to_thread(bare_server.provision)
    usual = bare_server.config.read_text()
    with service("budget", bare_server.url, tmp_path) as process:
        port = address_of(tmp_path)
        ready = f"http://127.0.0.1:{port}/readyz"
        bare_server.kill()
        bare_server.config.write_text(usual + REFUSING)
        await asyncio.to_thread(bare_server.start)
        await eventually(lambda: not answers(ready))
        times = psutil.Process(process.pid).cpu_times
        before, watched_until = sum(times()[:2]), time.monotonic() + WATCHED_S
        await eventually(lambda: time.monotonic() > watched_until)
        assert sum(times()[:2]) - before < CPU_SHARE_MAX * WATCHED_S
        assert process.poll() is None
        bare_server.kill()
        bare_server.config.write_text(usual)
        await asyncio.to_thread(bare_server.start)
        await eventually(lambda: answers(ready))
