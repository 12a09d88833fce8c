"""The similarity baseline: how similar an embedding model makes
different statements about one subject.

No cosine means the same to two models, so it is measured. Data: triples of sentences
(`similarity_sentences.toml`) → cosines of each statement with another one about the same subject,
in much the same words → their mean and standard deviation. The critic's gates derive from these the
cosine above which a text counts as known. The values of the bundled model are known. Any other
model is measured once, in the background, and the result is stored in the MEMORY bucket. Until then
there is none.
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
from daydream_memory.embedder import Embedder
from daydream_memory.minilm_embedder import MiniLM
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s

log = logging.getLogger(__name__)
# `make bench-critic ARGS="--only gates"` measures it again
MINILM_SCALE = SimilarityScale(mean=0.756, deviation=0.096, pairs=30)
IDLE_S = 3600.0
KEY_CHARS = 16


class SimilarityBaseline:
    """The baseline of an embedding model. `scale` is None until it is measured."""

    def __init__(self, embedder: Embedder, bucket: KeyValue) -> None:
        self.scale = MINILM_SCALE if embedder.model == MiniLM.model else None
        self._embedder = embedder
        self._bucket = bucket
        digest = hashlib.sha256(embedder.model.encode()).hexdigest()
        self._key = f"similarity-baseline.v1.{digest[:KEY_CHARS]}"

    async def measure_until_known(
        self, pause: Callable[[float], Awaitable[None]], stopping: Callable[[], bool]
    ) -> None:
        """Read the baseline, or measure it. Then do nothing until the service stops."""
        while self.scale is None and not stopping():
            try:
                self.scale = await self._stored() or await self._measure()
            except TRANSIENT_ERRORS as error:
                log.info("measuring the embedding model waits: %r", error)
                await pause(retry_delay_s(error))
        while not stopping():
            await pause(IDLE_S)

    async def _stored(self) -> SimilarityScale | None:
        try:
            entry = await self._bucket.get(self._key)
        except KeyNotFoundError:
            return None
        return SimilarityScale.model_validate_json(entry.value or b"")

    async def _measure(self) -> SimilarityScale:
        _, others = await cosines(self._embedder)
        scale = SimilarityScale(
            mean=float(others.mean()), deviation=float(others.std(ddof=1)), pairs=len(others)
        )
        await self._bucket.put(self._key, scale.model_dump_json().encode())
        return scale


async def cosines(embedder: Embedder) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return cosines of each statement with its paraphrase, and with another statement.

    Both have shape (number of triples,). The other statement is about the same subject.
    """
    triples = sentence_triples()
    texts = [text for triple in triples for text in triple]
    vectors = np.array(await embedder.embed(texts), np.float64).reshape(len(triples), 3, -1)
    sentence, same, other = vectors[:, 0], vectors[:, 1], vectors[:, 2]
    return (sentence * same).sum(axis=1), (sentence * other).sum(axis=1)


@cache
def sentence_triples() -> tuple[tuple[str, str, str], ...]:
    """Return the bundled sentences as triples: statement, paraphrase, another statement."""
    text = (files("daydream_memory") / "similarity_sentences.toml").read_text("utf-8")
    rows = tomllib.loads(text)["triple"]
    return tuple((row["sentence"], row["same"], row["other"]) for row in rows)
