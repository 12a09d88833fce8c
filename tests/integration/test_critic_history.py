"""The critic's history follows what people found out, over a real server."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nats.aio.client import Client

from daydream_contracts.events import OutcomeRecorded
from daydream_contracts.topology import route_of
from daydream_critic.history.history_projector import HistoryProjector

STORED = Path(__file__).parents[1] / "contracts" / "messages" / "OutcomeRecorded.v1.json"


@pytest.mark.fault(
    "F9 F32", invariant="an outcome is counted once, and one of a newer version stops nothing"
)
async def test_each_outcome_is_counted_once_and_one_of_a_newer_version_stops_nothing(
    nc: Client,
) -> None:
    js = nc.jetstream()
    for text in (STORED.read_text(), '{"from": "the future"}', STORED.read_text()):
        await js.publish(route_of(OutcomeRecorded).subject, text.encode())
    counted: list[int] = []

    def count(sequence: int, _: OutcomeRecorded) -> None:
        counted.append(sequence)

    history: Any = SimpleNamespace(reviews_sequence=0, outcomes_sequence=0, count_outcome=count)
    projector: Any = SimpleNamespace(projection=history, catch_up=_nothing_new)
    follower = HistoryProjector(projector, SimpleNamespace(js=js))  # type: ignore[arg-type]
    await follower.catch_up()
    await follower.catch_up()
    assert counted == [1, 3]
    assert history.outcomes_sequence == 3


async def _nothing_new() -> None:
    """No verdict was reached."""
