"""The sampler begins a new epoch when the memory has a new generation, as after a restore."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from nats.aio.client import Client
from nats.js.api import KeyValueConfig

from daydream_contracts.buckets import DRAWN_PAIRS
from daydream_contracts.rpc import JudgedPairs, JudgedPairsPage
from daydream_runtime.cas_state import CasState
from daydream_runtime.rpc import RpcClient
from daydream_sampler.claim import Claim
from daydream_sampler.drawn_pairs import DrawnPairs
from daydream_sampler.epoch import KEY, Epoch
from daydream_sampler.epoch_renewal import EpochRenewer
from daydream_sampler.pair_numbers import pair_number

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PAGES = {
    0: JudgedPairsPage(pairs=((0, 1), (2, 0)), next=7),
    7: JudgedPairsPage(pairs=((1, 2),), next=None),
}


class FakeJudgedPairs:
    """Answers requests for judged pairs."""

    async def request(self, _: Any, request: JudgedPairs) -> JudgedPairsPage:
        return PAGES[request.after]

    __call__ = request


def renewer(state: CasState[Epoch]) -> EpochRenewer:
    return EpochRenewer(cast(RpcClient, FakeJudgedPairs()), state)


async def test_the_sampler_begins_a_new_epoch_over_another_memory_and_knows_its_judged_pairs(
    nc: Client,
) -> None:
    js = nc.jetstream()
    bucket, drawn_bucket = [
        await js.create_key_value(KeyValueConfig(bucket=name))
        for name in ("epoch", DRAWN_PAIRS.name)
    ]
    state = CasState(bucket, KEY, Epoch(key="1"))
    old = DrawnPairs(js, drawn_bucket, 1)
    assert await renewer(state).follow(old, await state.read(), "first") is old, (
        "the first look at a memory"
    )
    claim = Claim(
        claim_id="c", number=4, owner="a", claimed_at=NOW, until=NOW + timedelta(seconds=9)
    )
    progress = {"drawn": 5, "pairs_max": 9, "claims": (claim,)}
    await state.change(lambda epoch: (epoch.model_copy(update=progress), None))
    new = await renewer(state).follow(old, await state.read(), "second")
    of_another_replica = await renewer(state).follow(old, await state.read(), "second")
    for drawn in (new, of_another_replica):
        await drawn.catch_up()
        assert (drawn.epoch, len(drawn)) == (1000, 3)
        assert all(pair_number(*pair) in drawn for pair in ((0, 1), (0, 2), (1, 2)))
    epoch = await state.read()
    assert (epoch.number, epoch.memory, epoch.drawn, epoch.pairs_max, epoch.claims) == (
        1000,
        "second",
        5,
        9,
        (),
    )
    assert await renewer(state).follow(new, await state.read(), "second") is new
    assert (await renewer(state).follow(new, await state.read(), "third")).epoch == 2000
