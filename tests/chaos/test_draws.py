"""Kill three replicas of the sampler at random: every pair is drawn and paid for exactly once."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import signal
import subprocess
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from daydream_contracts.buckets import PLANS
from daydream_contracts.events import DocumentOffered, PairSampled
from daydream_contracts.rpc import ChangeBudget, EmptyRequest, SetLimit
from daydream_contracts.topology import (
    BUDGET_CHANGE,
    BUDGET_STATE,
    MEMORY_STATE,
    SAMPLER_STATE,
    route_of,
)
from daydream_models.stage_plans import StagePlan, publish_plan
from daydream_runtime.rpc import RpcClient
from daydream_sampler.pair_numbers import pair_count, pair_number
from support.polling import eventually
from support.programs import NatsServer
from support.services import service

REPLICAS = 3
BOUND_NANOUSD = 1_000_000
WORDS = (
    "ice",
    "salt",
    "river",
    "queue",
    "wind",
    "signal",
    "lock",
    "market",
    "spore",
    "tide",
    "mirror",
    "thread",
    "ledger",
    "hinge",
    "echo",
    "gear",
)


def note(number: int) -> dict[str, str]:
    words = " ".join(random.Random(number).sample(WORDS, 9))
    return {"text": f"Note {number}: {words}.", "title": str(number)}


class Samplers:
    """The replicas. A killed one restarts with a new process id, as in a cluster."""

    def __init__(self, stack: ExitStack, url: str, folder: Path, chance: random.Random) -> None:
        self._stack, self._url, self._folder, self._chance = stack, url, folder, chance
        self.running = [self._start(number) for number in range(REPLICAS)]
        self.kills = 0

    def _start(self, number: int) -> subprocess.Popen[str]:
        environment = {
            "DAYDREAM_SAMPLER_STAGES": "synthesizer",
            "DAYDREAM_SAMPLER_PAIRS_AHEAD": "8",
            "DAYDREAM_SAMPLER_SAME_DOCUMENT": "true",  # the notes are one file
        }
        return self._stack.enter_context(
            service(
                "sampler", self._url, self._folder / f"sampler-{number}", ready=False, **environment
            )
        )

    async def kill_until(self, done: asyncio.Event) -> None:
        while not done.is_set():
            await asyncio.wait(
                [asyncio.ensure_future(done.wait())], timeout=self._chance.uniform(0.2, 2.5)
            )
            number = self._chance.randrange(REPLICAS)
            if not done.is_set():
                os.kill(self.running[number].pid, signal.SIGKILL)
                self.kills += 1
                self.running[number] = self._start(number)


async def drain(nc: Client, done: asyncio.Event, wanted: int) -> list[PairSampled]:
    """Take every pair from its stream, as the synthesizer would."""
    route = route_of(PairSampled)
    pull = await nc.jetstream().pull_subscribe(
        route.subject, durable="synthesizer", stream=route.stream
    )
    pairs: list[PairSampled] = []
    quiet = 0
    while quiet < 3:
        try:
            for message in await pull.fetch(8, timeout=1):
                pairs.append(PairSampled.model_validate_json(message.data))
                await message.ack()
        except TimeoutError:  # nothing for a second: the end, or all replicas are restarting
            quiet = quiet + 1 if len(pairs) >= wanted else 0
    done.set()
    return pairs


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("seed", "facts"), [(1, 16), (2, 24), (3, 24)])
@pytest.mark.fault("F1 F35", invariant="every pair is drawn once, and reserved for once")
async def test_three_replicas_that_are_killed_at_random_draw_every_pair_once(
    tmp_path: Path, server: NatsServer, seed: int, facts: int
) -> None:
    with ExitStack() as stack:
        stack.enter_context(service("budget", server.url, tmp_path / "budget"))
        stack.enter_context(service("memory", server.url, tmp_path / "memory"))
        nc = await nats.connect(server.url)
        js, rpc = nc.jetstream(), RpcClient(nc)
        await rpc.request(
            BUDGET_CHANGE,
            ChangeBudget(
                change_id="cap", change=SetLimit(window="lifetime", cap_nanousd=10**12), who="test"
            ),
        )
        await publish_plan(
            await js.key_value(PLANS.name),
            StagePlan(
                stage="synthesizer", model="m", fixed_nanousd=BOUND_NANOUSD, nanousd_per_fact_byte=0
            ),
        )
        lines = [note(number) for number in range(facts)]
        data = "\n".join(json.dumps(line) for line in lines).encode()
        offer = DocumentOffered(
            document_id="d",
            content=base64.b64encode(data),
            source="/n.jsonl",
            size_bytes=len(data),
            offered_at=datetime.now(UTC),
        )
        await js.publish(route_of(DocumentOffered).subject, offer.model_dump_json().encode())

        async def is_read() -> bool:
            return (await rpc.request(MEMORY_STATE, EmptyRequest())).facts >= facts

        await eventually(is_read, 60)
        samplers = Samplers(stack, server.url, tmp_path, random.Random(seed))
        done = asyncio.Event()
        _, pairs = await asyncio.gather(
            samplers.kill_until(done), drain(nc, done, pair_count(facts))
        )
        numbers = [pair_number(pair.first.ordinal, pair.second.ordinal) for pair in pairs]
        assert sorted(numbers) == list(range(pair_count(facts)))
        assert samplers.kills > 3
        assert len({pair.strategy for pair in pairs}) > 2
        assert all(0 < pair.draw_probability <= 1 for pair in pairs)

        # another replica completes the claims of the last crashed ones after their leases end
        async def is_drawn() -> bool:
            return (await rpc.request(SAMPLER_STATE, EmptyRequest())).drawn >= pair_count(facts)

        await eventually(is_drawn)
        assert (await rpc.request(SAMPLER_STATE, EmptyRequest())).drawn == pair_count(facts)
        assert (await rpc.request(BUDGET_STATE, EmptyRequest())).reservations_open == pair_count(
            facts
        ), "one reservation for each pair, and no other"
        await nc.close()
