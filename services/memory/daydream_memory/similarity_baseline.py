"""How near an embedding model puts claims that differ: what "the same" means to it is measured, because no cosine means the same to two models.

Data: sentences in threes (`claims.toml`) → cosines of each claim with another one about the same subject, in much the same words → their mean and standard
deviation, from which the critic's gates take the cosine above which a text counts as known. Of the bundled model they are known; any other one is measured
once, in the background, and the result is kept in the MEMORY bucket. Until then, and where the endpoint can't be reached, there is none.
"""

from __future__ import annotations

import hashlib
import logging
import tomllib
from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files

import numpy as np
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue
from numpy.typing import NDArray

from daydream_contracts.rpc import SimilarityScale
from daydream_memory.embedding import Embedder, MiniLM
from daydream_runtime.background import TRANSIENT_ERRORS, retry_delay_s

log = logging.getLogger(__name__)
BUNDLED = SimilarityScale(
    mean=0.756, deviation=0.096, pairs=30
)  # `make bench-critic ARGS="--only gates"` measures it again


class SimilarityBaseline:
    """The likeness that is known, and the loop that finds it out."""

    def __init__(self, embedder: Embedder, bucket: KeyValue) -> None:
        self.likeness = BUNDLED if embedder.model == MiniLM.model else None
        self._embedder = embedder
        self._bucket = bucket
        self._key = f"likeness.v1.{hashlib.sha256(embedder.model.encode()).hexdigest()[:16]}"

    async def find_out(
        self, pause: Callable[[float], Awaitable[None]], stopping: Callable[[], bool]
    ) -> None:
        """Until it is known."""
        while self.likeness is None and not stopping():
            try:
                self.likeness = await self._kept() or await self._measure()
            except TRANSIENT_ERRORS as trouble:
                log.info("measuring the embedding model waits: %r", trouble)
                await pause(retry_delay_s(trouble))
        while not stopping():
            await pause(3600)

    async def _kept(self) -> SimilarityScale | None:
        try:
            return SimilarityScale.model_validate_json(
                (await self._bucket.get(self._key)).value or b""
            )
        except KeyNotFoundError:
            return None

    async def _measure(self) -> SimilarityScale:
        _, others = await cosines(self._embedder)
        found = SimilarityScale(
            mean=float(others.mean()), deviation=float(others.std(ddof=1)), pairs=len(others)
        )
        await self._bucket.put(self._key, found.model_dump_json().encode())
        return found


async def cosines(embedder: Embedder) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each claim with the same one in other words, and with another one about its subject."""
    threes = claims()
    vectors = np.array(
        await embedder.embed([text for three in threes for text in three]), np.float64
    ).reshape(len(threes), 3, -1)
    claim, same, other = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    return (claim * same).sum(axis=1), (claim * other).sum(axis=1)


@cache
def claims() -> tuple[tuple[str, str, str], ...]:
    """The threes: claim, same, other."""
    tables = tomllib.loads((files("daydream_memory") / "claims.toml").read_text("utf-8"))["three"]
    return tuple((one["claim"], one["same"], one["other"]) for one in tables)
