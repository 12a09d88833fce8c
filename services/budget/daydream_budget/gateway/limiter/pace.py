"""How fast calls may start: learned from refusals, then tested upwards.

A refusal ends a period that began when the model opened. The provider allows at least what it
accepted within any part of that period, over the time from the part's beginning until it accepts
again. The best part gives the learned pace. This is right for a fixed window (60 calls in 3 s,
then "wait 57 s" teaches 1 per s), for a bucket that refills (the first learned pace has its
content in it, the next ones have not), and for a burst after an idle hour, which the mean of the
whole period would hide.

After a refusal the pace grows by a cubic law, as in RFC 9438: hardly at all for one length of the
period that taught it, then faster and faster. So a correct pace is tested about once in two
periods, a wrong one is forgotten within some, and an idle model forgets by itself.

The learned pace is that of all replicas together; each takes its share.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from random import Random

MARGIN = 0.97
GROWTH = 0.1
SPAN_S_MIN, SPAN_S_MAX = 5.0, 600.0
UNLIMITED_PER_S = 1000.0  # above this pacing is pointless
PERIOD_S_MAX = 600.0
GRAIN_S = 0.1
BURST_S = 0.05  # timers are not exact: fast paces start a few calls at once
SPACING_JITTER = 0.1
CATCH_UP_S_MAX = 10.0
SLOW_DOWN, SLOW_DOWN_SPAN = 0.9, 1.5
ROUNDING = 1e-6
INFINITY = float("inf")


@dataclass(frozen=True)
class LearnedPace:
    """A pace in starts per second, and the length of the period that taught it."""

    per_s: float
    span_s: float


class AcceptedStarts:
    """Starts of all replicas since the model opened, without those that were refused."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()

    def add(self, count: int, now: float) -> None:
        """Count starts; a refused one counts −1."""
        counts = self._counts
        if count == 0:
            return
        if counts and now - counts[-1][0] < GRAIN_S:
            counts[-1] = (counts[-1][0], counts[-1][1] + count)
        else:
            counts.append((now, count))
        while now - counts[0][0] > PERIOD_S_MAX:
            counts.popleft()

    def clear(self) -> None:
        """Begin a new period."""
        self._counts.clear()

    def learned(self, accepts_again: float) -> LearnedPace | None:
        """Return the best pace that the provider accepted until it accepts again, if any."""
        best: LearnedPace | None = None
        total = 0
        for started, count in reversed(self._counts):
            if started >= accepts_again:  # a probe of another replica
                continue
            total += count
            span_s = max(accepts_again - started, GRAIN_S)
            if total > 0 and (best is None or total / span_s >= best.per_s):
                best = LearnedPace(total / span_s, span_s)
        return best


class Pace:
    """Space the starts of one replica."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._learned: LearnedPace | None = None
        self._learned_at = self._counted = self._catches_up_until = 0.0
        self._credit = 1.0

    def learn(
        self,
        learned: LearnedPace,
        now: float,
        *,
        age_s: float = 0.0,
        accepts_since: float = INFINITY,
    ) -> None:
        """Take over a pace, with its age and the time since which the provider accepts calls.

        What could have started since then starts later, at twice the pace.
        """
        self._learned, self._learned_at = learned, now - age_s
        self._credit, self._counted = 0.0, now
        self._catches_up_until = now + min(max(0.0, now - accepts_since), CATCH_UP_S_MAX)

    def slow_down(self, now: float) -> None:
        """Reduce a learned pace, after some refusals among many answers."""
        pace = self.per_s(now)
        if self._learned is not None and pace is not None:
            span_s = min(SLOW_DOWN_SPAN * self._learned.span_s, SPAN_S_MAX)
            self._learned = LearnedPace(SLOW_DOWN * pace / MARGIN, span_s)
            self._learned_at = now

    def learned(self) -> LearnedPace | None:
        """Return the pace that was learned last, if any."""
        return self._learned

    def age_s(self, now: float) -> float:
        """Return how old the learned pace is."""
        return max(0.0, now - self._learned_at)

    def per_s(self, now: float) -> float | None:
        """Return the present pace of all replicas together, None if there is no limit."""
        if self._learned is None:
            return None
        span_s = min(max(self._learned.span_s, SPAN_S_MIN), SPAN_S_MAX)
        periods = self.age_s(now) / span_s
        pace = MARGIN * self._learned.per_s * (1 + GROWTH * periods**3)
        return pace if pace < UNLIMITED_PER_S else None

    def delay_s(self, share: float, now: float) -> float:
        """Return how long the next start of a replica with this share has to wait."""
        pace = self.per_s(now)
        if pace is None:
            self._credit, self._counted = 1.0, now
            return 0.0
        own = pace * share * (2 if now < self._catches_up_until else 1)
        credit_max = max(1.0, own * BURST_S)
        self._credit = min(credit_max, self._credit + own * (now - self._counted))
        self._counted = now
        missing = 1.0 - self._credit
        return missing / own if missing > ROUNDING else 0.0

    def start(self) -> None:
        """Pay for a start. The price varies, so that replicas do not start in step."""
        self._credit -= 1.0 + SPACING_JITTER * (2 * self._rng.random() - 1.0)
