"""Calibrate the judges before their first verdict: ask each about canaries.

Data: judges × canaries, less what is stored → an estimate, which is announced → small reservations
with the purpose `calibration` → scores, stored after each batch → `calibrated_history` reads them.

States: waiting → running → done. `off`: no canaries are wanted. `refused`: the money left is too
little for it; then hypotheses are judged without it, and it is tried again every `RETRY_S`. Where
all canaries are too expensive, `FEW` of each kind are enough for ranks, skill and threshold.

Replicas share the work of one: who holds the lease asks, the others wait for what it stores. A
crash loses at most a batch. The ids of its requests derive from the canaries' texts, so the gateway
finds what was paid for. A reservation that a crash leaves open expires.

Hypotheses wait for the end of it, at most `WAIT_S_MAX`: a judge whose provider is away must not
stop the others for good. (`calibration_budget` has the money, `calibration_store` the results.)
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from daydream_contracts.events import AlertRaised, derive_id
from daydream_contracts.rpc import CalibrationProgress
from daydream_critic.calibration.calibration_budget import (
    CalibrationBudget,
    CalibrationRefusedError,
    usd,
)
from daydream_critic.calibration.calibration_store import CalibrationStore
from daydream_critic.calibration.canary_question import (
    NamedCanary,
    hypothesis_of,
    named_canaries,
    score_canary,
)
from daydream_critic.calibration.records import CanaryScore, JudgeCalibration
from daydream_critic.pipeline.judges.interface import Judge, JudgeIdentity
from daydream_models.canaries.canary_set import CanarySet
from daydream_models.stage_plans import FULL
from daydream_runtime.leader import LeaderLease
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.runtime_context import Runtime

log = logging.getLogger(__name__)
BATCH = 8  # canaries, each for every judge, that one reservation pays for
POLL_S = 0.5
RETRY_S = 5.0  # a person may raise the cap meanwhile
REFUSED_AFTER_S = 10.0  # a run sets its cap when its services have started
WAIT_S_MAX = 600.0
# Of each kind. `score_ranks.HISTORY_MIN` and `panel_posterior.LABELS_MIN` need 20 readable scores,
# so a third of the answers may be unreadable.
FEW = 30


@dataclass
class Calibrator:
    """Asks the judges, and holds what they said by the key of the judge's history."""

    runtime: Runtime
    judges: Sequence[Judge]
    canaries: CanarySet
    store: CalibrationStore
    lease: LeaderLease
    budget: CalibrationBudget
    progress: CalibrationProgress = field(default_factory=CalibrationProgress)
    calibrations: dict[str, JudgeCalibration] = field(default_factory=dict)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _usual: dict[tuple[str, str], int] = field(default_factory=dict)
    _wanted: CanarySet | None = None  # fewer than all, until the next start
    _failed: set[tuple[str, str]] = field(default_factory=set)
    _refused: bool = False
    _too_expensive_since: float | None = None

    async def settled(self) -> None:
        """Wait until the judges are calibrated, or can't be for now, at most `WAIT_S_MAX`."""
        if self._settled.is_set():
            return
        try:
            await asyncio.wait_for(self._settled.wait(), WAIT_S_MAX)
        except TimeoutError:
            log.warning("the judges are not calibrated yet: %s", self.progress.text)
            self._settled.set()

    async def calibrate_forever(self) -> None:
        """Calibrate, and try again after a refusal or a failure, until it is done or the stop."""
        if not self.canaries.bridges:
            self._end("off", "DAYDREAM_CRITIC_CALIBRATION_CANARIES or _PROMOTE_BY switches it off")
            return
        while not self.runtime.stopping.is_set():
            try:
                pause_s = await self._calibrate()
            except TRANSIENT_ERRORS as error:
                log.info("the calibration waits: %s", error)
                pause_s = retry_delay_s(error)
            if pause_s is None:
                return
            await self.runtime.pause(pause_s)

    async def _calibrate(self) -> float | None:
        """Return how many seconds to wait before the next try, or None when it is done."""
        await self.read_stored(self.judges)
        missing = self._missing()
        self._count(missing)
        if not missing:
            self._end("done", self._summary())
            await self.lease.release()
            return None
        if not await self.lease.acquire_or_renew():
            return POLL_S
        refusal = await self.budget.why_too_expensive(self._expected_nanousd(missing))
        if refusal is None:
            return POLL_S
        if refusal:
            return await self._take_fewer_or_refuse(refusal)
        self._too_expensive_since = None
        if self.progress.state != "running":
            self._announce(missing)
        try:
            await self._ask_batch(missing)
        except CalibrationRefusedError as error:
            await self._refuse(f"The judges are not calibrated: {error}")
            raise
        return 0.0

    async def read_stored(self, judges: Sequence[JudgeIdentity]) -> None:
        """Read the calibrations of these judges that are stored."""
        for judge in judges:
            key = judge.history_key(FULL)
            if (stored := await self.store.read(key)) is not None:
                self.calibrations[key] = stored

    def _missing(self, wanted: CanarySet | None = None) -> Mapping[str, list[NamedCanary]]:
        """Return the wanted canaries that each judge was not asked about, by its history's key."""
        canaries = wanted or self._wanted or self.canaries
        missing = {}
        for judge in self.judges:
            key = judge.history_key(FULL)
            calibration = self.calibrations.get(key)
            asked = calibration.asked if calibration else frozenset()
            left = [
                canary
                for canary in named_canaries(canaries)
                if canary.name not in asked and (key, canary.name) not in self._failed
            ]
            if left:
                missing[key] = left
        return missing

    def expected_nanousd(self) -> int:
        """Return what all missing answers are expected to cost."""
        return self._expected_nanousd(self._missing())

    def _expected_nanousd(self, missing: Mapping[str, list[NamedCanary]]) -> int:
        """Return what the answers are expected to cost, from the texts that would be sent."""
        return sum(
            self._usual_nanousd(judge, canary)
            for judge in self.judges
            for canary in missing.get(judge.history_key(FULL), ())
        )

    def _usual_nanousd(self, judge: Judge, canary: NamedCanary) -> int:
        """Return what an answer about a canary is expected to cost, computed once."""
        key = judge.history_key(FULL), canary.name
        if key not in self._usual:
            proposed, synthesis = hypothesis_of(canary, "", datetime.now(UTC))
            self._usual[key] = judge.usual_nanousd(proposed, synthesis)
        return self._usual[key]

    async def _take_fewer_or_refuse(self, refusal: str) -> float:
        now = time.monotonic()
        self._too_expensive_since = self._too_expensive_since or now
        if now - self._too_expensive_since < REFUSED_AFTER_S:
            return POLL_S
        few = self._expected_nanousd(self._missing(self.canaries.first(FEW)))
        if await self.budget.why_too_expensive(few) == "":
            self._wanted = self.canaries.first(FEW)
            return 0.0
        await self._refuse(refusal)
        return RETRY_S

    def _count(self, missing: Mapping[str, list[NamedCanary]]) -> None:
        """Note how many answers are stored, of this replica and of others."""
        wanted = len(self.judges) * len(named_canaries(self._wanted or self.canaries))
        answers = wanted - sum(map(len, missing.values()))
        self._note(answers=answers, answers_wanted=wanted)

    def _note(self, **values: object) -> None:
        self.progress = self.progress.model_copy(update=values)

    def _announce(self, missing: Mapping[str, list[NamedCanary]]) -> None:
        count = sum(len(left) for left in missing.values())
        expected = self._expected_nanousd(missing)
        price = f"about {usd(expected)}" if expected else "free"
        text = (
            f"calibrating {len(missing)} of {len(self.judges)} judges: {count} answers about"
            f" canaries, {price}, purpose calibration, once for each model and prompt"
        )
        self._note(state="running", text=text)
        log.info("%s", text)

    async def _ask_batch(self, missing: Mapping[str, list[NamedCanary]]) -> None:
        """Ask every judge about its next canaries, and store the scores."""
        asked = [judge for judge in self.judges if judge.history_key(FULL) in missing]
        now = datetime.now(UTC)
        reservation_id = await self.budget.open(asked, BATCH, self.fact_bytes_max, now)
        try:
            results = await asyncio.gather(
                *(
                    self._ask(judge, missing[judge.history_key(FULL)][:BATCH], reservation_id, now)
                    for judge in asked
                ),
                return_exceptions=True,
            )
        finally:
            await self.budget.release(reservation_id)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    @property
    def fact_bytes_max(self) -> int:
        """Return the maximum bytes of both facts of a canary."""
        cases = (*self.canaries.bridges, *self.canaries.decoys)
        return max(len((case.first + case.second).encode()) for case in cases)

    async def _ask(
        self, judge: Judge, canaries: Sequence[NamedCanary], reservation_id: str, now: datetime
    ) -> None:
        answers = await asyncio.gather(
            *(self._score(judge, canary, reservation_id, now) for canary in canaries)
        )
        key = judge.history_key(FULL)
        before = self.calibrations.get(key) or JudgeCalibration(judge=judge.name, history_key=key)
        scores = (*before.scores, *(row for row, _ in answers if row is not None))
        self._failed |= {
            (key, canary.name)
            for canary, (row, _) in zip(canaries, answers, strict=True)
            if row is None
        }
        calibration = before.model_copy(
            update={
                "scores": scores,
                "cost_nanousd": before.cost_nanousd + sum(cost for _, cost in answers),
                "complete": len(scores) >= len(self.canaries.bridges) + len(self.canaries.decoys),
                "calibrated_at": now,
            }
        )
        await self.store.write(calibration)
        self.calibrations[key] = calibration

    async def _score(
        self, judge: Judge, canary: NamedCanary, reservation_id: str, now: datetime
    ) -> tuple[CanaryScore | None, int]:
        """Return a judge's score of a canary and its cost, and count the answer."""
        answer = await score_canary(judge, canary, reservation_id, now)
        self._note(answers=self.progress.answers + 1)
        return answer

    async def _refuse(self, text: str) -> None:
        """Say why the judges are not calibrated, once, and let hypotheses be judged."""
        is_known = self._refused
        self._refused = True
        self._end("refused", text)
        await self.lease.release()
        if is_known:
            return
        log.warning("%s", text)
        await self.runtime.publish(
            AlertRaised(
                alert_id=derive_id("judges-uncalibrated", *self._keys()),
                kind="judges",
                about="critic",
                text=text,
                raised_at=datetime.now(UTC),
            )
        )

    def _keys(self) -> list[str]:
        return [judge.history_key(FULL) for judge in self.judges]

    def _summary(self) -> str:
        cost = sum(row.cost_nanousd for row in self.calibrations.values())
        count = sum(len(row.scores) for row in self.calibrations.values())
        left = sum(len(canaries) for canaries in self._missing(self.canaries).values())
        rest = f"; {left} more would take too much of what the cap leaves" if left else ""
        return f"{count} answers about canaries, {usd(cost)}{rest}"

    def _end(self, state: str, text: str) -> None:
        cost = sum(row.cost_nanousd for row in self.calibrations.values())
        self._note(state=state, text=text, cost_nanousd=cost)
        self._settled.set()
        if state == "done":
            log.info("the judges are calibrated: %s", text)
