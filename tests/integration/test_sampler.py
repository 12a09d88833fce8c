"""Replicas of the sampler share one epoch in a real bucket."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from functools import partial

from nats.aio.client import Client

from daydream_contracts.buckets import SAMPLER
from daydream_runtime.cas_state import CasState
from daydream_sampler.claim import Claim
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.pair_numbers import pair_count

FACTS = 12


async def test_two_replicas_that_drop_claims_draw_every_pair_exactly_once(
    nc: Client,
) -> None:
    bucket = await nc.jetstream().key_value(SAMPLER.name)
    drawn: list[int] = []
    chance = random.Random(7)
    clock = datetime(2026, 1, 1, tzinfo=UTC)

    def claimed(epoch: Epoch, owner: str) -> tuple[Epoch, Claim | None]:
        return epoch.extend(FACTS).claim(owner, clock) or (epoch, None)

    def completed(epoch: Epoch, claim: Claim) -> tuple[Epoch, None]:
        return epoch.complete(claim), None

    at_work: set[str] = set()

    async def replica(name: str) -> None:
        nonlocal clock
        shared = CasState(bucket, KEY, Epoch(key="1"))
        life = 0
        while True:
            at_work.add(name)
            claim = await shared.change(partial(claimed, owner=f"{name}{life}"))
            if claim is None:
                at_work.discard(name)
                if not (await shared.read()).claims:
                    return
                if not at_work:
                    clock += timedelta(seconds=20)  # only claims of crashed replicas are left
                await asyncio.sleep(0)
            elif chance.random() < 0.3:
                life += 1  # killed before it could publish; it restarts with another name
            else:
                assert claim.number is not None
                drawn.append(claim.number)
                await shared.change(partial(completed, claim=claim))

    await asyncio.gather(replica("a"), replica("b"))
    assert sorted(set(drawn)) == list(range(pair_count(FACTS)))
    assert len(drawn) == pair_count(FACTS)
    assert (await CasState(bucket, KEY, Epoch(key="1")).read()).drawn == pair_count(FACTS)
