"""When calls to one model may start: the state machine of its availability.

    open    --refused with Retry-After, or twice in a row---> closed, half the concurrency
    open    --five bad answers more than good ones; stop----> closed
    closed  --its time is over: one probe goes out----------> closed, probe in flight
    probe   --ok--------------------------------------------> open, pace learned if it was busy
    probe   --busy, overloaded, bad, stop-------------------> closed for longer
    probe   --none------------------------------------------> closed, the next one is a probe

Refused is busy or overloaded. An isolated refusal closes nothing: some providers refuse a few calls
at random. Only if they exceed `REFUSED_SHARE_MAX` they slow the pace and the concurrency down.

This is the circuit breaker. While a model is closed, callers wait or are refused, and no call is
spent. Each arrow but the last raises the epoch. A call belongs to the epoch in which it started, so
a burst of refusals halves and teaches once, and answers to old calls open nothing.

The epoch also orders what replicas say to each other, so no clocks are compared: a higher epoch
wins, and in the same epoch closed wins over open and the longer wait over the shorter one.

This module knows no time and no network. `now` is any monotonic clock of this process.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from daydream_budget.gateway.limiter.concurrency import Concurrency
from daydream_budget.gateway.limiter.cooldown import CoolDown, bounded
from daydream_budget.gateway.limiter.pace import AcceptedStarts, LearnedPace, Pace
from daydream_budget.gateway.limiter.terms import LimiterSettings, Signal
from daydream_budget.gateway.limiter.timing import jittered

REASON_CHARACTERS_MAX = 500
REFUSALS_TO_CLOSE = 2  # of calls that started one after the other, without Retry-After
REFUSED_SHARE_MAX = 0.08  # of the attempts, as an exponential moving average
AVERAGE_WEIGHT = 1 / 32
BAD_TO_CLOSE, BAD_TO_CLOSE_MIN = 5, 2  # more than good ones; of all replicas, and of one
JITTER_S_MAX = 0.5  # one probe is no herd, so a long Retry-After needs no long jitter
REFUSED: tuple[Signal, ...] = ("busy", "overloaded")
FAILED: tuple[Signal, ...] = (*REFUSED, "bad", "stop")


@dataclass(frozen=True)
class AttemptReport:
    """What a finished attempt teaches. `share` and `in_flight` are this replica's."""

    epoch: int
    number: int  # in the order of starts
    probe: bool
    signal: Signal
    retry_after_s: float | None
    reason: str
    share: float = 1.0
    in_flight: int = 1


@dataclass(frozen=True)
class AvailabilityView:
    """The availability of one model as one replica tells it to the others. Times are durations."""

    epoch: int
    closed_for_s: float | None  # None: open
    cause: Signal
    reason: str
    cool_s: float
    concurrency: float
    learned_pace: LearnedPace | None
    learned_pace_age_s: float


class ModelAvailability:
    """The availability of one model, as one replica knows it."""

    def __init__(self, settings: LimiterSettings, rng: Random) -> None:
        self._rng = rng
        self.epoch = 0
        self.closed_until: float | None = None
        self.cause: Signal = "none"
        self.reason = ""
        self.concurrency = Concurrency(settings.concurrency_start, settings.concurrency_max)
        self.pace = Pace(rng)
        self.starts = AcceptedStarts()
        self.accepted = 0  # starts of this replica that were not refused
        self._cool_down = CoolDown()
        self._opened_epoch = 0
        self._accepts_again = 0.0  # closed_until without the jitter
        self._refusals = self._bad = 0
        self._refused_share = 0.0
        self._refused_number = -1

    def started(self, now: float) -> None:
        """Count a start of this replica. A probe counts when it succeeds."""
        self._accept(1, now)

    def finished(self, report: AttemptReport, now: float) -> None:
        """Learn from an attempt of this replica."""
        if self.closed_until is None:
            if report.epoch >= self._opened_epoch:
                self._learn_open(report, now)
        elif report.probe and report.epoch == self.epoch:
            self._learn_probe(report, now)
        else:
            self._learn_closed(report, now)

    def view(self, now: float) -> AvailabilityView:
        """Describe the availability to other replicas."""
        until = self.closed_until
        return AvailabilityView(
            epoch=self.epoch,
            closed_for_s=None if until is None else max(0.0, until - now),
            cause=self.cause,
            reason=self.reason,
            cool_s=self._cool_down.wait_s,
            concurrency=self.concurrency.limit,
            learned_pace=self.pace.learned(),
            learned_pace_age_s=self.pace.age_s(now),
        )

    def adopt(self, view: AvailabilityView, now: float) -> None:
        """Take over what another replica knows, if it is newer."""
        if view.epoch > self.epoch:
            self._replace(view, now)
        elif view.epoch == self.epoch and view.closed_for_s is not None:
            until = now + view.closed_for_s
            if self.closed_until is None or (view.cause == "stop" and self.cause != "stop"):
                self._replace(view, now)
            elif until > self.closed_until:
                self.closed_until = self._accepts_again = until

    def _learn_open(self, report: AttemptReport, now: float) -> None:
        self._average(report.signal)
        if report.signal == "ok":
            self._bad = max(0, self._bad - 1)
            self._cool_down.answered()
            self.concurrency.answered(report.in_flight, report.share)
        elif report.signal in REFUSED:
            self._learn_refusal(report, now)
        elif report.signal == "bad":
            self._bad += 1
            if self._bad >= max(BAD_TO_CLOSE_MIN, BAD_TO_CLOSE * report.share):
                self._close(report, now)
        elif report.signal == "stop":
            self._close(report, now)

    def _learn_refusal(self, report: AttemptReport, now: float) -> None:
        in_a_row = abs(report.number - self._refused_number) == 1
        self._refusals = self._refusals + 1 if in_a_row else 1
        self._refused_number = report.number
        self._discount(report, now)
        if report.retry_after_s is not None or self._refusals >= REFUSALS_TO_CLOSE:
            self.concurrency.halve()
            self._close(report, now)
        elif self._refused_share > REFUSED_SHARE_MAX:
            self.concurrency.decrease()
            self.pace.slow_down(now)

    def _average(self, signal: Signal) -> None:
        if signal in REFUSED or signal == "ok":
            self._refused_share += AVERAGE_WEIGHT * ((signal in REFUSED) - self._refused_share)

    def _learn_probe(self, report: AttemptReport, now: float) -> None:
        if report.signal == "ok":
            self._open(now)
        elif report.signal in FAILED:
            self.epoch += 1
            self._wait(report, self._cool_down.prolong(report.signal, report.retry_after_s), now)

    def _learn_closed(self, report: AttemptReport, now: float) -> None:
        """Learn from a call that started before the model closed."""
        if report.epoch >= self._opened_epoch:
            self._discount(report, now)
        if report.signal == "stop" and self.cause != "stop":
            self._close(report, now)
        elif report.signal == "busy" == self.cause and report.retry_after_s is not None:
            self._wait(report, bounded(report.retry_after_s), now)

    def _discount(self, report: AttemptReport, now: float) -> None:
        if report.signal == "busy" and not report.probe:
            self._accept(-1, now)

    def _accept(self, count: int, now: float) -> None:
        self.accepted += count
        self.starts.add(count, now)

    def _close(self, report: AttemptReport, now: float) -> None:
        self.epoch += 1
        self._wait(report, self._cool_down.close(report.signal, report.retry_after_s), now)

    def _wait(self, report: AttemptReport, wait_s: float, now: float) -> None:
        self.cause, self.reason = report.signal, report.reason[:REASON_CHARACTERS_MAX]
        self._accepts_again = max(self._accepts_again, now + wait_s)
        until = now + jittered(wait_s, self._rng, JITTER_S_MAX)
        self.closed_until = max(self.closed_until or until, until)

    def _open(self, now: float) -> None:
        self.epoch += 1
        if self.cause == "busy":
            learned = self.starts.learned(min(now, self._accepts_again))
            if learned is not None:
                self.pace.learn(learned, now, accepts_since=self._accepts_again)
        self._begin_period()
        self._cool_down.answered()
        self._accept(1, now)

    def _begin_period(self) -> None:
        self.closed_until, self.cause, self.reason = None, "none", ""
        self._opened_epoch = self.epoch
        self._refusals = self._bad = 0
        self._cool_down.opened()
        self.starts.clear()

    def _replace(self, view: AvailabilityView, now: float) -> None:
        self.epoch = view.epoch
        self.concurrency.adopt(view.concurrency)
        self._cool_down.wait_s = view.cool_s
        if view.closed_for_s is not None:
            self.cause, self.reason = view.cause, view.reason
            self.closed_until = self._accepts_again = now + view.closed_for_s
            return
        if self.closed_until is not None:
            self._begin_period()
        if view.learned_pace is not None:
            self.pace.learn(
                view.learned_pace,
                now,
                age_s=view.learned_pace_age_s,
                accepts_since=self._accepts_again,
            )
