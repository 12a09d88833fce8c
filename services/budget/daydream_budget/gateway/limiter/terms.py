"""What callers of the limiter pass in and get back: settings, signals, the error, the state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from daydream_contracts.errors import RetryLaterError

Signal = Literal["ok", "busy", "overloaded", "bad", "stop", "none"]
"""What a finished attempt teaches.

ok          an answer
busy        refused because of the rate: 429
overloaded  refused because the provider has no room: 503, 529
bad         a broken or failed answer, or none
stop        nothing helps until a person acts: 401, 402, an unknown model, an empty quota
none        nothing: the attempt was cancelled, or the request itself was at fault
"""

Status = Literal["open", "paced", "closed", "stopped"]

WaitReason = Literal[
    "none", "closed", "probe", "concurrency", "pace", "requests_per_minute", "tokens_per_minute"
]


TOKENS_MAX = 100_000_000  # of one call, whatever an estimate or a usage record says
NAME_CHARACTERS_MAX = 300  # longer names of models are not shared


class ModelKey(NamedTuple):
    """Name one model of one provider."""

    provider: str
    model: str


class LimiterSettings(BaseModel):
    """Limits of one model, for all replicas together. None: no limit but what 429 teaches."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_per_minute: int | None = Field(None, ge=1, description="requests in any 60 s")
    tokens_per_minute: int | None = Field(None, ge=1, description="tokens in any 60 s")
    concurrency_max: int = Field(256, ge=1, le=10_000, description="calls in flight, at most")
    concurrency_start: int = Field(
        16, ge=1, description="calls in flight before anything is learned"
    )
    waiting_max: int = Field(
        1024, ge=1, le=100_000, description="requests that wait in one replica, at most"
    )


class ModelClosedError(RetryLaterError):
    """Report that no call to the model may start within the caller's patience.

    `reason` has the provider's own words if it gave any. `retry_after_s` has jitter. `stop`: a
    person must act first.
    """

    def __init__(self, reason: str, retry_after_s: float, *, stop: bool = False) -> None:
        super().__init__(reason, delay_s=retry_after_s)
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.stop = stop


@dataclass(frozen=True)
class LimiterState:
    """Describe one model's limiter as this replica sees it.

    `pace_per_s` is the learned pace of all replicas together, None while unlimited. `in_flight`,
    `waiting` and `concurrency` are this replica's. A model whose `closed_for_s` is 0 and that is
    not open yet waits for its probe.
    """

    status: Status
    reason: str
    closed_for_s: float
    in_flight: int
    waiting: int
    concurrency: int
    pace_per_s: float | None
    replicas: int
