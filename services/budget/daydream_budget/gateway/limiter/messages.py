"""What replicas of the gateway tell each other about their limiters.

One message holds all models of a replica that are in use or closed. A message replaces the one
before it, so a lost one does no harm. Times are durations from the moment of sending, because
clocks of two machines are not compared. Every number is bounded: one bad message must not close a
model for good.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from daydream_budget.gateway.limiter.cooldown import RETRY_AFTER_S_MAX
from daydream_budget.gateway.limiter.model_availability import (
    REASON_CHARACTERS_MAX,
    AvailabilityView,
)
from daydream_budget.gateway.limiter.pace import LearnedPace
from daydream_budget.gateway.limiter.terms import NAME_CHARACTERS_MAX, ModelKey, Signal
from daydream_budget.gateway.limiter.turns import Turns
from daydream_contracts.events.base import ContractModel

MODELS_MAX = 256
CLOSED_S_MAX = 2 * RETRY_AFTER_S_MAX  # with jitter

Name = Annotated[str, Field(max_length=NAME_CHARACTERS_MAX)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
Counter = Annotated[int, Field(ge=-(1 << 53), le=1 << 53)]
Seconds = Annotated[float, Field(ge=0, le=CLOSED_S_MAX, allow_inf_nan=False)]


class PaceReport(ContractModel):
    """A learned pace of all replicas together."""

    per_s: float = Field(gt=0, le=1e6, allow_inf_nan=False)
    span_s: float = Field(gt=0, le=1e6, allow_inf_nan=False)
    age_s: float = Field(ge=0, le=1e9, allow_inf_nan=False)


class ModelReport(ContractModel):
    """One replica's limiter of one model. `accepted` and `tokens` count since its start."""

    provider: Name
    model: Name
    waiting: Count
    in_flight: Count
    probing: bool
    accepted: Counter
    tokens: Counter
    epoch: int = Field(ge=0, le=1 << 53)
    closed_for_s: Seconds | None
    cause: Signal
    reason: str = Field(max_length=REASON_CHARACTERS_MAX)
    cool_s: Seconds
    concurrency: float = Field(ge=1, le=10_000, allow_inf_nan=False)
    pace: PaceReport | None

    @property
    def key(self) -> ModelKey:
        """Return the model that this is about."""
        return ModelKey(self.provider, self.model)

    @property
    def demand(self) -> int:
        """Return the number of requests that this replica has for the model."""
        return self.waiting + self.in_flight

    def view(self) -> AvailabilityView:
        """Return the state of the availability."""
        pace = self.pace
        return AvailabilityView(
            epoch=self.epoch,
            closed_for_s=self.closed_for_s,
            cause=self.cause,
            reason=self.reason,
            cool_s=self.cool_s,
            concurrency=self.concurrency,
            learned_pace=None if pace is None else LearnedPace(pace.per_s, pace.span_s),
            learned_pace_age_s=0.0 if pace is None else pace.age_s,
        )


class ReplicaReport(ContractModel):
    """All limiters of one replica. `next_s` is when it reports again; 0: it leaves."""

    replica: str = Field(min_length=1, max_length=100)
    next_s: float = Field(ge=0, le=60, allow_inf_nan=False)
    models: tuple[ModelReport, ...] = Field(max_length=MODELS_MAX)


def model_report(key: ModelKey, turns: Turns, view: AvailabilityView, waiting: int) -> ModelReport:
    """Return what a limiter tells other replicas."""
    learned = view.learned_pace
    return ModelReport(
        provider=key.provider,
        model=key.model,
        waiting=waiting,
        in_flight=turns.in_flight,
        probing=turns.is_probing,
        accepted=turns.availability.accepted,
        tokens=turns.quota.tokens,
        epoch=view.epoch,
        closed_for_s=view.closed_for_s,
        cause=view.cause,
        reason=view.reason,
        cool_s=view.cool_s,
        concurrency=view.concurrency,
        pace=None
        if learned is None
        else PaceReport(per_s=learned.per_s, span_s=learned.span_s, age_s=view.learned_pace_age_s),
    )
