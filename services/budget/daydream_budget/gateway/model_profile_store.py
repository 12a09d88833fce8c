"""Share the profiles of models between replicas, and with the next start.

One entry per provider's address and model in the MODEL_PROFILES bucket: its dialect, how much above
the price list it bills, how much it thinks, and what its probe found out. A replica adds what it
learned, and adopts what others learned. What the operator set is not shared: it would outlive the
setting. An entry expires a week after its last change; a start after that learns again.

What can fail: NATS is away, or an entry can't be read. Then replicas learn alone.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Awaitable, Callable

import nats.errors
from nats.js.errors import APIError, KeyNotFoundError, NoKeysError
from nats.js.kv import KeyValue

from daydream_budget.gateway.model_profile import ModelProfile
from daydream_budget.gateway.models import Models, ServedModel
from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_runtime.cas_state import CasState

log = logging.getLogger(__name__)
SYNC_S = 5.0
CLAIM_S = 300.0  # a probe takes less
ID_CHARS = 32


class ModelProfileStore:
    """The MODEL_PROFILES bucket, and what this replica has exchanged with it."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket
        self._at_start: dict[str, ModelProfile] = {}
        self._exchanged: dict[str, ModelProfile] = {}

    async def load(self) -> None:
        """Read what was learned before this start."""
        try:
            keys = await self._bucket.keys()
        except NoKeysError:
            return
        for key in keys:
            try:
                entry = await self._bucket.get(key)
                self._at_start[key] = ModelProfile.model_validate_json(entry.value or b"")
            except KeyNotFoundError:
                continue  # it has just expired
            except ValueError as error:
                log.warning("a stored profile can't be read and is learned again: %s", error)

    def known(self, config: ProviderConfig, model: str) -> ModelProfile:
        """Return what was learned of a model before this start."""
        return self._at_start.get(_key(config, model), ModelProfile())

    async def run(
        self,
        models: Models,
        pause: Callable[[float], Awaitable[None]],
        stopping: Callable[[], bool],
    ) -> None:
        """Exchange profiles every `SYNC_S` until `stopping` returns True."""
        while not stopping():
            for model in models.known():
                try:
                    await self.exchange(model)
                except (nats.errors.Error, APIError, TimeoutError, ValueError) as error:
                    log.warning("what was learned of %s is not shared: %s", model.name, error)
            await pause(SYNC_S)

    async def claim_probe(self, model: ServedModel) -> bool:
        """Return True if this replica is to probe the model. Otherwise adopt what was found."""
        now = time.time()

        def claim(stored: ModelProfile) -> tuple[ModelProfile, tuple[ModelProfile, bool]]:
            if stored.capabilities is not None or now - stored.probe_claimed_at_s < CLAIM_S:
                return stored, (stored, False)
            return stored.model_copy(update={"probe_claimed_at_s": now}), (stored, True)

        profile, is_mine = await self._state(model).change(claim)
        model.adopt(profile)
        return is_mine

    async def give_up_probe(self, model: ServedModel) -> None:
        """Let another call or replica probe the model."""
        await self._state(model).change(
            lambda stored: (stored.model_copy(update={"probe_claimed_at_s": 0.0}), None)
        )

    async def exchange(self, model: ServedModel) -> None:
        """Add what this replica has learned, if that is new, and adopt what others have."""
        key = _key(model.provider.config, model.name)
        state = self._state(model)
        mine = model.profile()
        if mine == self._exchanged.get(key, ModelProfile()):
            theirs = await state.read()
        else:
            theirs = await state.change(lambda stored: ((all := stored.merge(mine)), all))
        model.adopt(theirs)
        self._exchanged[key] = model.profile()

    def _state(self, model: ServedModel) -> CasState[ModelProfile]:
        key = _key(model.provider.config, model.name)
        return CasState(self._bucket, key, ModelProfile())


def _key(config: ProviderConfig, model: str) -> str:
    name = f"{config.address}\n{model}"
    return hashlib.sha256(name.encode()).hexdigest()[:ID_CHARS]
