"""The money of a calibration: whether it is worth its share of the cap, and its reservations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import NANOUSD_PER_USD, derive_id
from daydream_contracts.rpc import (
    EVERYTHING,
    BudgetState,
    EmptyRequest,
    OpenReservation,
    ReleaseReservation,
)
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_RELEASE, BUDGET_STATE
from daydream_critic.pipeline.judges.interface import Judge
from daydream_models.stage_plans import FULL
from daydream_runtime.rpc import RpcClient


class CalibrationRefusedError(RetryLaterError):
    """Report that the ledger refuses to pay for a calibration."""


@dataclass(frozen=True)
class CalibrationBudget:
    """Asks the ledger. `share_max`: of the money that the cap leaves."""

    rpc: RpcClient
    share_max: float

    async def why_too_expensive(self, expected_nanousd: int) -> str | None:
        """Return why a calibration would take too much of the money that is left, or "".

        Return None while no cap is set: then nothing can be paid yet.
        """
        if not expected_nanousd:
            return ""
        state: BudgetState = await self.rpc.request(BUDGET_STATE, EmptyRequest())
        left = [
            limit.cap_nanousd - limit.settled_nanousd - limit.authorized_nanousd
            for limit in state.limits
            if limit.scope == EVERYTHING and limit.hard
        ]
        if not left:
            return None
        if expected_nanousd <= self.share_max * min(left):
            return ""
        return (
            f"The judges are not calibrated: this would take about {usd(expected_nanousd)}, more"
            f" than {self.share_max:.0%} of the {usd(max(0, min(left)))} that the cap leaves."
            " Ranks, separation and the promotion threshold are guesses. Raise the cap, or raise"
            " DAYDREAM_CRITIC_CALIBRATION_SHARE_MAX"
        )

    async def open(
        self, judges: Sequence[Judge], answers: int, fact_bytes: int, now: datetime
    ) -> str:
        """Reserve what some answers of each judge cost at most, with this many bytes of facts.

        Return the id, or "" if it is nothing. Raise CalibrationRefusedError for a refusal that
        does not pass in seconds.
        """
        plans = [plan for judge in judges if (plan := judge.plan(first=True)) is not None]
        if not plans:
            return ""
        keys = [judge.history_key(FULL) for judge in judges]
        reservation_id = derive_id("calibration reservation", *keys, now.isoformat())
        allocations = [
            part for plan in plans for part in plan.allocations(fact_bytes, answers, FULL)
        ]
        request = OpenReservation(
            reservation_id=reservation_id,
            allocations=tuple(allocations),
            purpose="calibration",
            requested_at=now,
        )
        refusal = (await self.rpc.request(BUDGET_OPEN, request)).refusal
        if refusal is not None:
            error = RetryLaterError if refusal.near_cap else CalibrationRefusedError
            raise error(refusal.text, until=refusal.retry_at)
        return reservation_id

    async def release(self, reservation_id: str) -> None:
        """Release a reservation. Idempotent."""
        if reservation_id:
            release = ReleaseReservation(reservation_id=reservation_id, branch=0)
            await self.rpc.request(BUDGET_RELEASE, release)


def usd(nanousd: int) -> str:
    """Return an amount in dollars."""
    return f"${nanousd / NANOUSD_PER_USD:.4f}"
