"""The limiter of one model: callers wait here for a turn, and report what came of it.

Waiters are served in the order of `waiters`, as fast as `turns` allows. Nothing is stored: a
replica that dies takes its waiters with it, and their callers ask another one. All times come from
the scheduler.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from daydream_budget.gateway.limiter.messages import ModelReport, model_report
from daydream_budget.gateway.limiter.replicas import SETTLE_S, Replicas
from daydream_budget.gateway.limiter.terms import (
    NAME_CHARACTERS_MAX,
    TOKENS_MAX,
    LimiterSettings,
    LimiterState,
    ModelClosedError,
    ModelKey,
    Signal,
    WaitReason,
)
from daydream_budget.gateway.limiter.timing import Scheduler, Timer, jittered
from daydream_budget.gateway.limiter.turns import Obstacle, Turn, TurnReport, Turns
from daydream_budget.gateway.limiter.waiters import Waiter, WaiterQueue

BUSY_RETRY_S, BUSY_RETRY_S_MAX = 1.0, 60.0
BUSY = "the model is busy, and other requests wait for it"


class LimiterObserver(Protocol):
    """Count what limiters do."""

    def waited(self, key: ModelKey, reason: WaitReason, seconds: float) -> None:
        """Record the wait of a turn, and what it last waited for."""

    def reported(self, key: ModelKey, signal: Signal, *, probe: bool) -> None:
        """Count a finished attempt."""

    def refused(self, key: ModelKey, *, stop: bool) -> None:
        """Count a request that got no turn."""


@dataclass
class LimiterContext:
    """What all limiters of a replica share. `changed(urgent)`: other replicas should know."""

    scheduler: Scheduler
    rng: Random
    replicas: Replicas
    observer: LimiterObserver
    changed: Callable[[bool], None] = field(default=lambda urgent: None)


class Limiter:
    """The limiter of one model in one replica."""

    def __init__(self, key: ModelKey, settings: LimiterSettings, context: LimiterContext) -> None:
        self.key = key
        self._context = context
        self._turns = Turns(settings, context.rng)
        self._waiters = WaiterQueue(settings.waiting_max)
        self._busy_since: float | None = None
        self._timer: Timer | None = None

    async def acquire(
        self, *, patience_s: float, tokens: int = 0, caller: str = "", again: bool = False
    ) -> Turn:
        """Wait for a turn, at most `patience_s`.

        `tokens` is the upper bound of what the call uses. `caller` names the stage or key, for
        fairness. `again`: a further attempt of a call in progress, which goes to the front. Raise
        ModelClosedError at once if the model stays closed for longer or the queue is full.
        """
        if self._turns.closed_for_s(self._now()) > patience_s:
            raise self._refusal()
        if self._waiters.is_full and not again:
            self._make_room(caller)
        waiter = self._add_waiter(patience_s, min(max(0, tokens), TOKENS_MAX), caller, again)
        try:
            return await waiter.turn
        except asyncio.CancelledError:
            self._abandon(waiter)
            raise

    def report(
        self,
        turn: Turn,
        signal: Signal,
        *,
        retry_after_s: float | None = None,
        reason: str = "",
        tokens_used: int | None = None,
    ) -> None:
        """Free a turn's place, and learn from its attempt.

        `retry_after_s` and `reason` are the provider's. `tokens_used` None: as many as estimated.
        Raise RuntimeError if the turn was reported before.
        """
        now, share = self._now(), self._share()
        report = TurnReport(signal, retry_after_s, reason, tokens_used)
        gate_changed = self._turns.finish(turn, report, share, now)
        self._context.observer.reported(self.key, signal, probe=turn.probe)
        self._changed(urgent=gate_changed or turn.probe)
        if gate_changed:
            self._refuse_hopeless()
        self.pump()

    @asynccontextmanager
    async def turn(
        self, *, patience_s: float, tokens: int = 0, caller: str = "", again: bool = False
    ) -> AsyncIterator[Turn]:
        """Hold a turn. If the body does not report it, it teaches nothing."""
        turn = await self.acquire(patience_s=patience_s, tokens=tokens, caller=caller, again=again)
        try:
            yield turn
        finally:
            if not turn.reported:
                self.report(turn, "none")

    def state(self) -> LimiterState:
        """Describe the limiter."""
        now, availability = self._now(), self._turns.availability
        return LimiterState(
            status=self._turns.status(now),
            reason=availability.reason,
            closed_for_s=self._turns.closed_for_s(now),
            in_flight=self._turns.in_flight,
            waiting=len(self._waiters),
            concurrency=availability.concurrency.own(self._share()),
            pace_per_s=availability.pace.per_s(now),
            replicas=1 + len(self._context.replicas),
        )

    def pump(self) -> None:
        """Give out the turns that are due, and come back when the next one is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while (waiter := self._waiters.first()) is not None:
            obstacle = self._obstacle(waiter)
            if obstacle is not None:
                waiter.blocked_by = obstacle.reason
                if obstacle.delay_s is not None:
                    self._timer = self._context.scheduler.call_later(obstacle.delay_s, self.pump)
                return
            self._start(waiter)

    def receive(self, report: ModelReport, accepted: int, tokens: int) -> None:
        """Take over what another replica reports, and what it started since its last report."""
        now, availability = self._now(), self._turns.availability
        epoch = availability.epoch
        availability.starts.add(accepted, now)
        self._turns.quota.add_peers(max(0, accepted), tokens, now)
        availability.adopt(report.view(), now)
        if availability.epoch != epoch:
            self._refuse_hopeless()

    def model_report(self) -> ModelReport | None:
        """Return what other replicas need to know, None if that is nothing."""
        view = self._turns.availability.view(self._now())
        if view.epoch == 0 and not self.is_busy:
            return None
        if max(map(len, self.key)) > NAME_CHARACTERS_MAX:
            return None
        return model_report(self.key, self._turns, view, len(self._waiters))

    @property
    def is_busy(self) -> bool:
        """Return True if requests wait or are in flight."""
        return self._turns.in_flight + len(self._waiters) > 0

    @property
    def is_active(self) -> bool:
        """Return True if it is busy, or closed."""
        return self.is_busy or self._turns.needs_probe

    def _now(self) -> float:
        return self._context.scheduler.time()

    def _share(self) -> float:
        demand = self._turns.in_flight + len(self._waiters)
        return self._context.replicas.share(self.key, demand, settled=self._is_settled())

    def _is_settled(self) -> bool:
        return self._busy_since is not None and self._now() - self._busy_since >= SETTLE_S

    def _obstacle(self, waiter: Waiter) -> Obstacle | None:
        obstacle = self._turns.obstacle(waiter.tokens, self._share(), self._now())
        if obstacle is None and self._turns.needs_probe and not self._may_probe():
            return Obstacle("probe", SETTLE_S)
        return obstacle

    def _may_probe(self) -> bool:
        return self._context.replicas.may_probe(self.key, settled=self._is_settled())

    def _add_waiter(self, patience_s: float, tokens: int, caller: str, again: bool) -> Waiter:
        now = self._now()
        future: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        waiter = Waiter(caller, tokens, now, now + patience_s, future, again)
        waiter.timer = self._context.scheduler.call_later(patience_s, lambda: self._refuse(waiter))
        self._waiters.add(waiter)
        self._changed()
        self.pump()
        return waiter

    def _start(self, waiter: Waiter) -> None:
        self._waiters.pop()
        if waiter.turn.done():
            return  # cancelled a moment ago
        now = self._now()
        turn = self._turns.start(waiter.tokens, now)
        self._context.observer.waited(self.key, waiter.blocked_by, now - waiter.since)
        self._changed(urgent=turn.probe)
        waiter.turn.set_result(turn)

    def _abandon(self, waiter: Waiter) -> None:
        """Free the place of a cancelled waiter, or the turn that it has got a moment ago."""
        if self._waiters.remove(waiter):
            self._changed()
            self.pump()
        elif not waiter.turn.cancelled() and waiter.turn.exception() is None:
            self.report(waiter.turn.result(), "none")

    def _refuse(self, waiter: Waiter) -> None:
        if self._waiters.remove(waiter) and not waiter.turn.done():
            waiter.turn.set_exception(self._refusal())
        self._changed()
        self.pump()

    def _refuse_hopeless(self) -> None:
        """Refuse waiters whose patience ends before the model may open."""
        now = self._now()
        opens = now + self._turns.closed_for_s(now)
        for waiter in [waiter for waiter in self._waiters if waiter.deadline < opens]:
            self._refuse(waiter)

    def _make_room(self, caller: str) -> None:
        displaced = self._waiters.displaced_by(caller)
        if displaced is None:
            raise self._refusal()
        self._refuse(displaced)

    def _refusal(self) -> ModelClosedError:
        """Count a request that gets no turn, and return its error."""
        now, availability = self._now(), self._turns.availability
        wait_s = self._turns.closed_for_s(now)
        if wait_s <= 0:
            pace = availability.pace.per_s(now)
            queue_s = 0.0 if pace is None else len(self._waiters) / (pace * self._share())
            wait_s = min(max(BUSY_RETRY_S, queue_s), BUSY_RETRY_S_MAX)
        stop = availability.cause == "stop"
        self._context.observer.refused(self.key, stop=stop)
        return ModelClosedError(
            availability.reason or BUSY, jittered(wait_s, self._context.rng), stop=stop
        )

    def _changed(self, *, urgent: bool = False) -> None:
        if not self.is_busy:
            self._busy_since = None
        elif self._busy_since is None:
            self._busy_since, urgent = self._now(), True
        self._context.changed(urgent)
