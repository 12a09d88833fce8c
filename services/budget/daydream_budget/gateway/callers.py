"""Who calls, and what a request may claim about itself.

Each stage has its own key, made at provisioning. A program of the lab has one that was issued to
its team and purpose. Only digests of issued keys are stored. What headers claim counts only within
what the key allows: a program's key pays from no reservation.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from daydream_budget.gateway.refusals import CallRefusedError
from daydream_contracts.gateway_http import (
    BATCH_LANE,
    CALL_HEADER,
    LANE_HEADER,
    RESERVATION_HEADER,
)
from daydream_contracts.rpc import IssuedKey

CACHE_S = 5.0  # a revoked key works for this long
CACHE_KEYS_MAX = 10_000
CALL_ID_CHARS_MAX = 200


@dataclass(frozen=True)
class Caller:
    """A stage of daydream (`stage` is set), or a program of the lab (`key` is set)."""

    stage: str = ""
    key: IssuedKey | None = None

    @property
    def scope(self) -> str:
        """Return the space of this caller's call ids."""
        return f"stage:{self.stage}" if self.key is None else f"key:{self.key.key_id}"

    @property
    def name(self) -> str:
        """Return what metrics call it: the stage, or "foreground"."""
        return self.stage or "foreground"


@dataclass(frozen=True)
class CallContext:
    """What a request says about itself. `call_id` is empty for a call that has no name."""

    caller: Caller
    call_id: str
    reservation_id: str = ""
    batch: bool = False


class Callers:
    """The keys that are valid at the moment."""

    def __init__(
        self,
        stage_secrets: Mapping[str, str],
        issued: KeyValue,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stages = {digest_of(secret): stage for stage, secret in stage_secrets.items()}
        self._issued = issued
        self._clock = clock
        self._cache: dict[str, tuple[float, Caller | None]] = {}

    async def context(self, headers: Mapping[str, str]) -> CallContext:
        """Return who makes a request, and for what. Raise CallRefusedError."""
        scheme, _, secret = headers.get("authorization", "").partition(" ")
        caller = await self._caller(secret.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            text = "the gateway has not issued this key; see daydream gateway key add"
            raise CallRefusedError(401, "invalid_api_key", text, "stop")
        call_id = headers.get(CALL_HEADER, "")
        reservation_id = headers.get(RESERVATION_HEADER, "")
        if len(call_id) > CALL_ID_CHARS_MAX:
            raise CallRefusedError.of_invalid_request(f"{CALL_HEADER} is too long")
        if reservation_id and not caller.stage:
            text = "this key pays from no reservation"
            raise CallRefusedError(403, "reservation_not_allowed", text, "reject")
        batch = headers.get(LANE_HEADER) == BATCH_LANE
        if batch and not (caller.stage and call_id):
            raise CallRefusedError.of_invalid_request("only a stage's named calls may be batched")
        return CallContext(caller, call_id, reservation_id, batch)

    async def _caller(self, secret: str) -> Caller | None:
        digest = digest_of(secret)
        if digest in self._stages:
            return Caller(stage=self._stages[digest])
        cached = self._cache.get(digest)
        if cached is None or self._clock() - cached[0] > CACHE_S:
            if len(self._cache) >= CACHE_KEYS_MAX:
                self._cache.clear()
            cached = self._cache[digest] = (self._clock(), await self._issued_to(digest))
        return cached[1]

    async def _issued_to(self, digest: str) -> Caller | None:
        try:
            entry = await self._issued.get(digest)
        except KeyNotFoundError:
            return None
        key = IssuedKey.model_validate_json(entry.value or b"")
        return None if key.revoked_at else Caller(key=key)


def digest_of(secret: str) -> str:
    """Return the digest under which a key is stored. A long random secret needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()
