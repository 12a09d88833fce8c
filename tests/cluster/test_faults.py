"""Kill, freeze and replace NATS servers under the whole system: the work continues without help.

After each fault: no dead letter, every daydream has its verdict, no answered call was asked again,
and the ledger has every call of the provider's invoice.
"""

from __future__ import annotations

import random
import signal

import pytest

from daydream_contracts.buckets import CALLS
from daydream_contracts.events import HypothesisProposed
from daydream_contracts.topology import LEDGER, route_of
from support.ledger_checks import check_nothing_lost_or_paid_twice
from support.nodes import Node, Nodes
from support.whole_system import WholeSystem

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(450),
    pytest.mark.asyncio(loop_scope="session"),
]
CALLS_AFTER = 8  # answered calls that show that the work continues
LED = (LEDGER, f"KV_{CALLS[0].name}", route_of(HypothesisProposed).stream)


async def until_the_moment(system: WholeSystem, chance: random.Random) -> None:
    """Wait for a moment that the seed chooses."""
    await system.until_answered(chance.randint(1, 12))


async def check(system: WholeSystem) -> None:
    """Assert what must hold after every fault."""
    await system.until_answered(CALLS_AFTER)
    await system.until_ready()
    await check_nothing_lost_or_paid_twice(system)


@pytest.mark.parametrize("role", ["follower", "leader"])
@pytest.mark.fault(
    "F7 F8", invariant="one of three servers is frozen: the work continues on the others"
)
async def test_work_continues_while_a_server_is_frozen(
    system: WholeSystem, role: str, seed: int
) -> None:
    await until_the_moment(system, random.Random(f"{role} {seed}"))
    frozen = await _server(system.nodes, role)
    system.disturb()
    frozen.send(signal.SIGSTOP)
    await system.nodes.until_passed_over(frozen.name)
    await system.until_ready()
    await system.until_answered(CALLS_AFTER)
    system.disturb()
    frozen.send(signal.SIGCONT)
    await system.nodes.until_whole()
    await check(system)


async def _server(nodes: Nodes, role: str) -> Node:
    """Return the ledger's leader, or the follower with the most clients, which have to leave it."""
    leader = await nodes.leader(LEDGER)
    if role == "leader":
        return nodes.nodes[leader]
    followers = nodes.others(leader)
    clients = [await node.clients() for node in followers]
    return followers[clients.index(max(clients))]


@pytest.mark.parametrize("stream", LED)
@pytest.mark.fault("F4", invariant="the leader of a stream is killed: the work continues")
async def test_work_continues_when_the_leader_of_a_stream_is_killed(
    system: WholeSystem, stream: str, seed: int
) -> None:
    await until_the_moment(system, random.Random(f"{stream} {seed}"))
    leader = await system.nodes.leader(stream)
    system.disturb()
    await system.nodes.nodes[leader].end(signal.SIGKILL)
    system.disturb()
    await system.until_answered(CALLS_AFTER)
    system.nodes.nodes[leader].start()
    await system.nodes.until_whole()
    await check(system)


@pytest.mark.fault(
    "F5 F7", invariant="without a majority nothing is lost, and the work continues with it"
)
async def test_work_continues_after_two_of_three_servers_were_frozen(
    system: WholeSystem, seed: int
) -> None:
    chance = random.Random(seed)
    await until_the_moment(system, chance)
    alone, *frozen = chance.sample(list(system.nodes.nodes.values()), 3)
    system.disturb()
    for node in frozen:
        node.send(signal.SIGSTOP)
    await system.nodes.until_without_quorum(alone)
    system.disturb()
    for node in frozen:
        node.send(signal.SIGCONT)
    await system.nodes.until_whole()
    await check(system)


@pytest.mark.fault("F4 F32", invariant="each server is restarted in turn: the work continues")
async def test_work_continues_while_each_server_is_restarted(
    system: WholeSystem, seed: int
) -> None:
    chance = random.Random(seed)
    for node in chance.sample(list(system.nodes.nodes.values()), 3):
        await until_the_moment(system, chance)
        system.disturb()
        await node.end(signal.SIGTERM)
        system.disturb()
        node.start()
        await system.nodes.until_whole()
    await check(system)
