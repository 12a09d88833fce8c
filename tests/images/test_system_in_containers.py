"""One daydream from draw to insight, with every role in its own container under strict rules."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import nats
import pytest
import pytest_asyncio

from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import BUDGET_STATE, MEMORY_STATE, SAMPLER_STATE
from daydream_runtime.rpc import RpcClient
from support import containers
from support.containers import IMAGES, ContainedNats
from support.polling import eventually
from support.programs import EndpointProgram, priced_endpoint
from support.whole_system import ROLES, WholeSystem

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]
ONE_EACH = {name: role for name, role in ROLES.items() if name not in ("budget-2", "gateway-2")}
GATEWAY = "gateway-1"
PAIRS = 30
LOOK = """
import json, os
try:
    open("/written", "w")
    root = "writable"
except OSError as error:
    root = error.strerror
status = dict(line.split(":\t", 1) for line in open("/proc/1/status").read().splitlines())
print(json.dumps({
    "root": root, "uid": os.getuid(), "gid": os.getgid(), "capabilities": status["CapEff"],
    "new_privileges": status["NoNewPrivs"], "command": open("/proc/1/cmdline").read(),
}))
"""


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Build all images."""
    for service in IMAGES:
        containers.build(service)
    containers.build_nats(tmp_path_factory.mktemp("images") / "nats")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EndpointProgram]:
    with priced_endpoint(tmp_path_factory.mktemp("endpoint")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(
    images: None, endpoint: EndpointProgram, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[WholeSystem]:
    """The system on a NATS server in a container, with money and documents."""
    folder = tmp_path_factory.mktemp("containers")
    folder.chmod(0o755)  # another user reads the price list
    server = ContainedNats(folder / "nats")
    (folder / "nats").chmod(0o755)
    server.start()
    nc = await nats.connect(server.url)
    roles = {
        name: (module, who, GATEWAY if gateway else "")
        for name, (module, who, gateway) in ONE_EACH.items()
    }
    system = WholeSystem(server, endpoint, folder, nc, RpcClient(nc, patience_s=60))
    settings = {"DAYDREAM_MODEL_PROBE": "false"}  # it answers nothing but what stages ask
    system = replace(system, roles=roles, settings=settings, run=containers.container)
    try:
        await system.start()
        await system.provide()
        yield system
    finally:
        system.stack.close()
        await nc.close()
        server.kill()


def test_provisioning_is_a_command_of_the_image(system: WholeSystem) -> None:
    command = containers.run_arguments(
        containers.image_of("budget"),
        "provision",
        {"DAYDREAM_NATS_URL": system.servers.url},
        entrypoint="/opt/daydream/bin/daydream-provision",
    )
    subprocess.run(command, check=True)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_daydream_goes_from_draw_to_insight(system: WholeSystem) -> None:
    await system.draw(PAIRS)

    async def is_drawn() -> bool:
        return (await system.rpc.request(SAMPLER_STATE, EmptyRequest())).drawn >= PAIRS

    await eventually(is_drawn, 120)
    await system.finish()
    memory = await system.rpc.request(MEMORY_STATE, EmptyRequest())
    assert memory.insights > 0, memory
    budget = await system.rpc.request(BUDGET_STATE, EmptyRequest())
    assert budget.settled_nanousd == system.endpoint.witness()["cost_nanousd"] > 0


def test_each_container_has_a_read_only_root_and_a_user_without_rights(
    system: WholeSystem,
) -> None:
    for name in system.roles:
        looked = containers.execute(name, LOOK)
        assert looked.returncode == 0, looked.stderr
        state = json.loads(looked.stdout)
        assert "daydream" in state.pop("command"), "process 1 is the service itself"
        assert state == {
            "root": "Read-only file system",
            "uid": 54321,
            "gid": 0,
            "capabilities": "0000000000000000",
            "new_privileges": "1",
        }


def test_each_container_stops_when_it_is_asked(system: WholeSystem) -> None:
    for name in system.roles:
        containers.stop(name)
        assert system.processes[name].wait(10) == 0, (system.folder / name).as_posix()
