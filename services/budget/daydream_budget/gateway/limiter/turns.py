"""Turns of one model: the right to start a call, and what its end teaches. Nothing waits here.

A turn needs an open model (or it is the probe of a closed one), a free place among the calls in
flight, and room in the learned pace and in the configured limits per minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from daydream_budget.gateway.limiter.minute import CountedAmount
from daydream_budget.gateway.limiter.model_availability import AttemptReport, ModelAvailability
from daydream_budget.gateway.limiter.quota import Quota
from daydream_budget.gateway.limiter.terms import LimiterSettings, Signal, Status, WaitReason


@dataclass(eq=False)
class Turn:
    """The right to start one call. It is reported exactly once.

    `probe`: the model is closed, and this call decides whether it opens.
    """

    epoch: int
    number: int
    probe: bool
    tokens: int
    counted_tokens: CountedAmount | None
    reported: bool = False


@dataclass(frozen=True)
class TurnReport:
    """What a finished attempt says about the model. `tokens_used` None: as many as estimated."""

    signal: Signal
    retry_after_s: float | None = None
    reason: str = ""
    tokens_used: int | None = None


class Obstacle(NamedTuple):
    """Why no turn is due, and after how long to look again if no event says so before."""

    reason: WaitReason
    delay_s: float | None = None


class Turns:
    """Give out the turns of one model in one replica.

    `share` is this replica's part of all limits, from 0 to 1.
    """

    def __init__(self, settings: LimiterSettings, rng: Random) -> None:
        self.availability = ModelAvailability(settings, rng)
        self.quota = Quota(settings)
        self.in_flight = self._started = 0
        self._probe: Turn | None = None

    @property
    def is_probing(self) -> bool:
        """Return True while a probe of this replica is in flight."""
        return self._probe is not None

    @property
    def needs_probe(self) -> bool:
        """Return True if the model is closed, so that the next turn is a probe."""
        return self.availability.closed_until is not None

    def closed_for_s(self, now: float) -> float:
        """Return how long no call may start."""
        until = self.availability.closed_until
        return 0.0 if until is None else max(0.0, until - now)

    def status(self, now: float) -> Status:
        """Describe the availability in one word."""
        if self.needs_probe:
            return "stopped" if self.availability.cause == "stop" else "closed"
        return "open" if self.availability.pace.per_s(now) is None else "paced"

    def obstacle(self, tokens: int, share: float, now: float) -> Obstacle | None:
        """Return why no turn is due now, None if one is."""
        obstacle = self._closed(now) if self.needs_probe else self._no_room(share, now)
        if obstacle is not None:
            return obstacle
        reason, delay_s = self.quota.delay_s(tokens, share, now)
        return Obstacle(reason, delay_s) if delay_s > 0 else None

    def start(self, tokens: int, now: float) -> Turn:
        """Give out a turn."""
        probe = self.needs_probe
        self._started += 1
        turn = Turn(
            self.availability.epoch, self._started, probe, tokens, self.quota.start(tokens, now)
        )
        self.in_flight += 1
        if probe:
            self._probe = turn
        else:
            self.availability.pace.start()
            self.availability.started(now)
        return turn

    def finish(self, turn: Turn, report: TurnReport, share: float, now: float) -> bool:
        """Learn from a finished attempt and free its place. Return True if the model has changed.

        Raise RuntimeError if the turn was reported before.
        """
        if turn.reported:
            raise RuntimeError("a turn is reported exactly once")
        turn.reported = True
        before = self.availability.epoch, self.availability.closed_until
        self.quota.finish(turn.tokens, turn.counted_tokens, report.signal, report.tokens_used)
        attempt = AttemptReport(
            epoch=turn.epoch,
            number=turn.number,
            probe=turn.probe,
            signal=report.signal,
            retry_after_s=report.retry_after_s,
            reason=report.reason,
            share=share,
            in_flight=self.in_flight,
        )
        self.availability.finished(attempt, now)
        self.in_flight -= 1
        if turn is self._probe:
            self._probe = None
        return before != (self.availability.epoch, self.availability.closed_until)

    def _closed(self, now: float) -> Obstacle | None:
        """Return an obstacle to a probe. Old calls may still be in flight; it ignores them."""
        closed_for_s = self.closed_for_s(now)
        if closed_for_s > 0:
            return Obstacle("closed", closed_for_s)
        return Obstacle("probe") if self.is_probing else None

    def _no_room(self, share: float, now: float) -> Obstacle | None:
        if self.in_flight >= self.availability.concurrency.own(share):
            return Obstacle("concurrency")
        delay_s = self.availability.pace.delay_s(share, now)
        return Obstacle("pace", delay_s) if delay_s > 0 else None
