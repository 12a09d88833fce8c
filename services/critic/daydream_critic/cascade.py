"""Which judge to ask next, or none: the one whose answer is worth the most per dollar.

A hypothesis has log-odds L of being a hit; the line is where promotion begins, and the chance c there is what a place costs. More calls raise the
deflection (`panel`) by Δ, so L will move by a normal amount of mean ±Δ/2 and variance Δ. With p the chance now and Φ the normal distribution, that is worth
    p (1 − c) Φ((L + Δ/2 − line) ÷ √Δ) − (1 − p) c Φ((L − Δ/2 − line) ÷ √Δ) − max(p − c, 0)
hits: the expected gain of deciding after the answer instead of before it (value of information: Raiffa and Schlaifer, 1961; over several calls at once,
because one alone may not be able to change the decision: Frazier and Powell, 2010). Below `hit_usd` it is asked for; a clear case ends it early.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from daydream_critic.panel import Calls, Panel

AHEAD = (1, 2, 4)  # calls of one judge that are weighed at once


@dataclass(frozen=True)
class Step:
    """So many more calls of one judge: what they cost, and what they add to the deflection."""

    judge: int
    usd: float
    added: float


@dataclass(frozen=True)
class Cascade:
    """`usd`: what a call of each judge costs; `calls_max`: how often each may be asked; `hit_usd`: what it may cost to find one more hit."""

    panel: Panel
    usd: tuple[float, ...]
    calls_max: Calls
    hit_usd: float
    _steps: dict[Calls, tuple[Step, ...]] = field(default_factory=dict, compare=False, repr=False)

    def next(self, calls: Calls, log_odds: float, line: float) -> int | None:
        """The judge to ask after so many calls of each; None: it is not worth it. The first call is made in any case."""
        best, judge = (0.0 if not any(calls) else 1 / self.hit_usd), None
        for step in self._ahead(calls):
            worth = information_value(log_odds, line, step.added) / step.usd
            if worth > best:
                best, judge = worth, step.judge
        if judge is None and not any(calls):
            return min((one for one, most in enumerate(self.calls_max) if most), key=lambda one: self.usd[one], default=None)
        return judge

    def without(self, judge: int, calls: Calls) -> Cascade:
        """The same, where a judge is not asked any more."""
        return replace(
            self, calls_max=tuple(done if at == judge else most for at, (most, done) in enumerate(zip(self.calls_max, calls, strict=True))), _steps={}
        )

    def _ahead(self, calls: Calls) -> tuple[Step, ...]:
        found = self._steps.get(calls)
        if found is None:
            now = self.panel.evidence(calls).deflection
            steps = []
            for judge, most in enumerate(self.calls_max):
                for more in AHEAD:
                    if calls[judge] + more <= most:
                        after = (*calls[:judge], calls[judge] + more, *calls[judge + 1 :])
                        steps.append(Step(judge, max(1e-9, more * self.usd[judge]), self.panel.evidence(after).deflection - now))
            found = self._steps[calls] = tuple(step for step in steps if step.added > 1e-9)
        return found


def information_value(log_odds: float, line: float, added: float) -> float:
    """Expected hits gained by `added` deflection, for a hypothesis that is promoted above `line`."""
    chance, price, spread = chance_of(log_odds), chance_of(line), math.sqrt(added)
    found = chance * (1 - price) * _normal((log_odds + added / 2 - line) / spread)
    found -= (1 - chance) * price * _normal((log_odds - added / 2 - line) / spread)
    return found - max(chance - price, 0.0)


def chance_of(log_odds: float) -> float:
    """The probability."""
    return 0.5 * (1 + math.tanh(log_odds / 2))


def _normal(deviate: float) -> float:
    return 0.5 * math.erfc(-deviate / math.sqrt(2))
