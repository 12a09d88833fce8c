"""Fakes for tests of the calibration of judges: a bucket, and a ledger with a cap."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from daydream_contracts.events import AlertRaised
from daydream_contracts.rpc import (
    EVERYTHING,
    Grant,
    LimitState,
    OpenReservation,
    Refusal,
    ReleaseReservation,
)
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_STATE
from daydream_critic.calibration.calibration_budget import CalibrationBudget
from daydream_critic.calibration.calibration_store import CalibrationStore
from daydream_critic.calibration.calibrator import Calibrator
from daydream_critic.pipeline.judges.interface import Judge
from daydream_models.canaries.canary_set import CanarySet
from daydream_runtime.leader import LeaderLease
from daydream_runtime.runtime_context import Runtime

CANARIES = CanarySet.read().first(12)
ALL = len(CANARIES.bridges) + len(CANARIES.decoys)


class FakeCalibrationStore:
    """A bucket with revisions."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[bytes, int]] = {}

    async def get(self, key: str) -> Any:
        if key not in self.entries:
            raise KeyNotFoundError
        value, revision = self.entries[key]
        return SimpleNamespace(value=value, revision=revision)

    async def put(self, key: str, value: bytes) -> int:
        return await self.update(key, value, last=self.entries.get(key, (b"", 0))[1])

    async def update(self, key: str, value: bytes, *, last: int) -> int:
        assert self.entries.get(key, (b"", 0))[1] == last
        self.entries[key] = (value, last + 1)
        return last + 1

    @property
    def bucket(self) -> KeyValue:
        return cast(KeyValue, self)


@dataclass
class FakeCalibrationLedger:
    """A runtime whose budget has this cap, and refuses reservations after some."""

    cap_nanousd: int = 10**12
    opened_max: int = 10**6
    opened: list[OpenReservation] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    alerts: list[AlertRaised] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def rpc(self) -> FakeCalibrationLedger:
        return self

    async def request(self, endpoint: Any, message: Any) -> Any:
        if endpoint is BUDGET_STATE:
            limit = LimitState(
                scope=EVERYTHING,
                window="lifetime",
                cap_nanousd=self.cap_nanousd,
                settled_nanousd=0,
                authorized_nanousd=0,
                reserved_nanousd=0,
                renews_at=None,
            )
            return SimpleNamespace(limits=(limit,))
        if endpoint is BUDGET_OPEN:
            if len(self.opened) >= self.opened_max:
                return Grant(refusal=Refusal(reason="cap", text="The cap is reached."))
            self.opened.append(message)
            return Grant()
        assert isinstance(message, ReleaseReservation)
        self.released.append(message.reservation_id)
        return None

    async def publish(self, alert: AlertRaised) -> None:
        self.alerts.append(alert)

    async def pause(self, seconds: float) -> None:
        """Stop at the third long pause: nothing changes any more."""
        self.pauses.append(seconds)
        if sum(pause > 0 for pause in self.pauses) >= 3:
            self.stopping.set()

    @property
    def runtime(self) -> Runtime:
        return cast(Runtime, self)


def calibrator_of(
    judges: Sequence[Judge],
    ledger: FakeCalibrationLedger,
    store: FakeCalibrationStore,
    canaries: CanarySet = CANARIES,
) -> Calibrator:
    return Calibrator(
        ledger.runtime,
        judges,
        canaries,
        CalibrationStore(store.bucket, CANARIES.digest),
        LeaderLease(store.bucket, "lease"),
        CalibrationBudget(ledger.runtime.rpc, share_max=0.1),
    )
