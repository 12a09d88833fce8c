"""The whole system on three NATS servers, and the seeds that choose the moments of the faults.

`SEEDS=3` in the environment runs each test with the seeds 0, 1 and 2.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from support.nodes import running_nodes
from support.programs import priced_endpoint
from support.whole_system import WholeSystem, running_system

LATENCY_S = 0.3


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes a seed with each of them."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(int(os.environ.get("SEEDS") or 1)))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[WholeSystem]:
    """One system for all tests: its start takes longer than a fault."""
    folder = tmp_path_factory.mktemp("cluster")
    with priced_endpoint(folder, delay_s=LATENCY_S) as endpoint:
        async with (
            running_nodes(folder / "nats") as nodes,
            running_system(nodes, endpoint, folder / "system") as system,
        ):
            yield system


@pytest_asyncio.fixture(loop_scope="session")
async def system(running: WholeSystem) -> WholeSystem:
    """A whole system that draws pairs."""
    await running.nodes.until_whole()
    await running.until_ready()
    await running.draw()
    return running
