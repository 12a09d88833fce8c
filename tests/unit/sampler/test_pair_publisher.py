"""What is reserved for a pair before it is published."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from daydream_contracts.rpc import Grant, OpenReservation, PairFound, Refusal
from daydream_models.stage_plans import StagePlan
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.telemetry import start_telemetry
from daydream_sampler.claim import Claim
from daydream_sampler.pair_publisher import PairPublisher
from support.message_builders import AT, fact

PLAN = StagePlan(stage="synthesizer", model="m", fixed_nanousd=1, nanousd_per_fact_byte=0)


class FakeRefusingLedger:
    """Refuses every reservation, and remembers them."""

    def __init__(self) -> None:
        self.asked: list[OpenReservation] = []

    async def request(self, _: object, request: OpenReservation) -> Grant:
        self.asked.append(request)
        return Grant(refusal=Refusal(reason="cap", text="no"))


@pytest.mark.parametrize(
    ("first", "second", "payer"), [("", "", ""), ("", "a", "a"), ("a", "", "a")]
)
async def test_the_reservation_counts_against_the_team_whose_facts_are_joined(
    first: str, second: str, payer: str
) -> None:
    telemetry, ledger = start_telemetry("sampler", "test"), FakeRefusingLedger()
    runtime: Any = SimpleNamespace(rpc=ledger, telemetry=telemetry)
    pair = PairFound(
        first=fact(1).model_copy(update={"team": first}),
        second=fact(2).model_copy(update={"team": second}),
        similarity=0.1,
    )
    claim = Claim(claim_id="c", number=0, claimed_at=AT, owner="a", until=AT)
    publisher = PairPublisher.of(cast(Runtime, runtime), 1)
    refusal = await publisher.publish(claim, pair, 1, {"synthesizer": PLAN}, 2)
    telemetry.close()
    assert refusal is not None
    [request] = ledger.asked
    plans = (request.allocations, *(plan.allocations for plan in request.reduced_plans))
    assert {row.team for allocations in plans for row in allocations} == {payer}
