"""Issue, list and revoke the keys of the lab's programs.

The secret is made by the command that asks, and only its digest gets here. A key is stored under
that digest. Its id is derived from the digest, so a repeated request issues one key.
"""

from __future__ import annotations

from datetime import UTC, datetime

from nats.js.errors import APIError, NoKeysError
from nats.js.kv import KeyValue

from daydream_contracts.errors import PermanentError
from daydream_contracts.rpc import AddKey, IssuedKey, KeyList, RevokeKey
from daydream_runtime.broker_errors import is_wrong_sequence

ID_CHARS = 12


class IssuedKeys:
    """The ISSUED_KEYS bucket."""

    def __init__(self, bucket: KeyValue) -> None:
        self.bucket = bucket

    async def add(self, request: AddKey) -> IssuedKey:
        """Store a key, once. Return it as it is stored."""
        key = IssuedKey(
            key_id=request.secret_sha256[:ID_CHARS],
            team=request.team,
            purpose=request.purpose,
            created_at=datetime.now(UTC),
            created_by=request.who,
        )
        try:
            content = key.model_dump_json().encode()
            await self.bucket.update(request.secret_sha256, content, last=0)  # create it
        except APIError as error:
            if not is_wrong_sequence(error):
                raise
            entry = await self.bucket.get(request.secret_sha256)
            return IssuedKey.model_validate_json(entry.value or b"")
        return key

    async def revoke(self, request: RevokeKey) -> IssuedKey:
        """Mark a key as revoked, once. Raise PermanentError for an unknown id."""
        keys = {key.key_id: (digest, key) for digest, key in (await self._all()).items()}
        if request.key_id not in keys:
            raise PermanentError("unknown-key", f"no key has the id {request.key_id}")
        digest, key = keys[request.key_id]
        if key.revoked_at is None:
            key = key.model_copy(
                update={"revoked_at": datetime.now(UTC), "revoked_by": request.who}
            )
            await self.bucket.put(digest, key.model_dump_json().encode())
        return key

    async def list(self) -> KeyList:
        """Return all keys, the oldest first."""
        keys = (await self._all()).values()
        return KeyList(keys=tuple(sorted(keys, key=lambda key: key.created_at)))

    async def _all(self) -> dict[str, IssuedKey]:
        try:
            digests = await self.bucket.keys()
        except NoKeysError:
            return {}
        entries = [await self.bucket.get(digest) for digest in digests]
        return {entry.key: IssuedKey.model_validate_json(entry.value or b"") for entry in entries}
