"""A projection of the verdicts, over a real server."""

from __future__ import annotations

from pathlib import Path

import pytest
from nats.aio.client import Client

from daydream_contracts.buckets import SAMPLER
from daydream_contracts.events import VerdictReached
from daydream_contracts.topology import route_of
from daydream_runtime.verdict_projection import Projection, Projector

STORED = Path(__file__).parents[1] / "contracts" / "messages" / "VerdictReached.v1.json"


class VerdictIds(Projection):
    """The ids of verdicts, in their order."""

    ids: list[str] = []

    def add(self, sequence: int, verdict: VerdictReached) -> None:
        self.ids.append(verdict.verdict_id)


@pytest.mark.fault("F9", invariant="a verdict that is published again is counted once")
async def test_a_verdict_that_comes_again_counts_once_also_behind_a_snapshot(nc: Client) -> None:
    js, bucket = nc.jetstream(), await nc.jetstream().key_value(SAMPLER.name)
    subject = route_of(VerdictReached).subject
    first = VerdictReached.model_validate_json(STORED.read_text())
    second = first.model_copy(update={"verdict_id": "another"})
    for verdict in (first, second, first):
        await js.publish(subject, verdict.model_dump_json().encode())
    projector = Projector(js, bucket, "ids", VerdictIds())
    await projector.catch_up()
    assert projector.projection.ids == [first.verdict_id, "another"]
    await projector.save()
    await js.publish(subject, second.model_dump_json().encode())
    again = Projector(js, bucket, "ids", VerdictIds())
    await again.load()
    await again.catch_up()
    assert again.projection.ids == [first.verdict_id, "another"]
    assert again.projection.sequence == 4
