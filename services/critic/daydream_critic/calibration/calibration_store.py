"""Keep calibrations in the critic's bucket, one key for each judge, prompt and set of canaries."""

from __future__ import annotations

from dataclasses import dataclass

from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from daydream_contracts.events import derive_id
from daydream_critic.calibration.records import JudgeCalibration


@dataclass(frozen=True)
class CalibrationStore:
    """Reads and writes calibrations on the canaries with this digest."""

    bucket: KeyValue
    canaries_digest: str

    async def read(self, history_key: str) -> JudgeCalibration | None:
        """Return what is stored of a judge, or None."""
        try:
            entry = await self.bucket.get(self._key(history_key))
        except KeyNotFoundError:
            return None
        return JudgeCalibration.model_validate_json(entry.value or b"")

    async def write(self, calibration: JudgeCalibration) -> None:
        """Store a calibration. Only the replica that holds the lease does."""
        key = self._key(calibration.history_key)
        await self.bucket.put(key, calibration.model_dump_json().encode())

    def _key(self, history_key: str) -> str:
        """Return the key. A judge's name may hold characters that no key may."""
        return f"calibration.{derive_id(history_key, self.canaries_digest)}"
