"""Kill a stage after its result is published, and before it acknowledges its message.

The message is delivered again: no answered call is asked again, and the daydream ends once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from support.fail_points import STAGE_POINT, arm, has_struck
from support.ledger_checks import check_nothing_lost_or_paid_twice
from support.polling import eventually
from support.programs import NatsServer, priced_endpoint
from support.services import service
from support.whole_system import WholeSystem, running_system

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TESTS = str(Path(__file__).parents[1])
LATENCY_S = 0.2
STRUCK_S = 60.0
STAGES = ("synthesizer", "critic", "oracle", "memory")


def run_with_points(
    name: str, nats_url: str, folder: Path, **options: Any
) -> AbstractContextManager[Popen[str]]:
    """Run a service that passes fail points."""
    launcher = ("support.fail_points", str(folder))
    return service(name, nats_url, folder, launcher=launcher, PYTHONPATH=TESTS, **options)


@pytest.fixture
async def system(tmp_path: Path) -> AsyncIterator[WholeSystem]:
    """A whole system that draws pairs and whose stages have fail points."""
    server = NatsServer(tmp_path / "nats", sync_always=True)
    server.start()
    try:
        with priced_endpoint(tmp_path, delay_s=LATENCY_S) as endpoint:
            folder = tmp_path / "system"
            async with running_system(server, endpoint, folder, run_with_points) as system:
                await system.draw()
                yield system
    finally:
        server.kill()


@pytest.mark.fault(
    "F1", invariant="each stage is killed between its publish and its acknowledgement"
)
async def test_a_stage_may_be_killed_between_publish_and_acknowledgement(
    system: WholeSystem,
) -> None:
    for stage in STAGES:
        folder = system.folder / stage
        arm(folder, STAGE_POINT, "kill")
        await eventually(partial(has_struck, folder), STRUCK_S)
        system.disturb()
        await asyncio.to_thread(system.processes[stage].wait)
        system.start_role(stage)
        await system.until_ready()
    await check_nothing_lost_or_paid_twice(system)
