"""All limiters of one replica of the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from uuid import uuid4

from daydream_budget.gateway.limiter.limiter import Limiter, LimiterContext, LimiterObserver
from daydream_budget.gateway.limiter.messages import MODELS_MAX
from daydream_budget.gateway.limiter.replicas import Replicas
from daydream_budget.gateway.limiter.sharing import NoReplicas, ReplicaChannel, Sharing
from daydream_budget.gateway.limiter.terms import LimiterSettings, ModelKey, Signal, WaitReason
from daydream_budget.gateway.limiter.timing import Scheduler


class NoObserver:
    """Count nothing."""

    def waited(self, key: ModelKey, reason: WaitReason, seconds: float) -> None:
        """Ignore a wait."""

    def reported(self, key: ModelKey, signal: Signal, *, probe: bool) -> None:
        """Ignore an attempt."""

    def refused(self, key: ModelKey, *, stop: bool) -> None:
        """Ignore a refusal."""


class LimiterRegistry:
    """Create limiters on demand, and share them with other replicas between `start` and `stop`.

    `settings_of` gives the limits of a model. `scheduler` is the event loop. `replica` must be
    unique; by default it is random.
    """

    def __init__(
        self,
        settings_of: Callable[[ModelKey], LimiterSettings],
        scheduler: Scheduler,
        *,
        channel: ReplicaChannel | None = None,
        observer: LimiterObserver | None = None,
        replica: str = "",
        rng: Random | None = None,
    ) -> None:
        self._settings_of = settings_of
        self._limiters: dict[ModelKey, Limiter] = {}
        self._context = LimiterContext(
            scheduler=scheduler,
            rng=rng or Random(),
            replicas=Replicas(replica or uuid4().hex),
            observer=observer or NoObserver(),
        )
        self._sharing = Sharing(
            channel or NoReplicas(), self._context, self._limiters.values, self._limiter_of
        )

    def __iter__(self) -> Iterator[Limiter]:
        return iter(list(self._limiters.values()))

    def start(self) -> None:
        """Begin to share."""
        self._sharing.start()

    def stop(self) -> None:
        """Tell other replicas that this one leaves."""
        self._sharing.stop()

    def limiter(self, provider: str, model: str) -> Limiter:
        """Return the limiter of a model."""
        key = ModelKey(provider, model)
        if key not in self._limiters:
            self._limiters[key] = Limiter(key, self._settings_of(key), self._context)
        return self._limiters[key]

    def _limiter_of(self, key: ModelKey) -> Limiter | None:
        """Return the limiter of a model that another replica uses, within limits."""
        if key not in self._limiters and len(self._limiters) >= MODELS_MAX:
            return None
        return self.limiter(*key)
