"""Texts to vectors by a model behind the gateway, which pays for each call.

Data: texts → those not in the cache, in batches → one call of the gateway per batch.

What can fail:

- There is no money, or the provider is busy: RetryLaterError, and the caller waits.
- The call fails: the errors of GatewayClient.embed.
- This process dies during a call: its vectors are lost, and the texts are embedded again. Vectors
  are too large to be kept with the answers of other calls.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np

from daydream_contracts.errors import PermanentError
from daydream_memory.settings import EmbeddingSettings
from daydream_memory.store import Vector
from daydream_models.factory import open_gateway_client, quote_of
from daydream_models.gateway_client import GatewayClient, Vectors
from daydream_models.settings import GatewayAddress
from daydream_runtime.runtime_context import Runtime

CACHE_TEXTS = 2048
BATCH_BYTES_MAX = 200_000  # most endpoints accept about 300,000 tokens in a call


class EndpointEmbedder:
    """An `Embedder`. Vectors are scaled to length 1."""

    def __init__(
        self, gateway: GatewayClient, model: str, *, dimensions: int = 0, batch: int = 64
    ) -> None:
        self.model = model + (f"@{dimensions}" if dimensions else "")
        self._gateway = gateway
        self._name = model
        self._dimensions = dimensions
        self._batch = batch
        self._cache: OrderedDict[str, Vector] = OrderedDict()
        self._dimension = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one float32 vector of length 1 for each text.

        Raise the errors of GatewayClient.embed.
        """
        vectors = {text: self._cache[text] for text in texts if text in self._cache}
        new = list(dict.fromkeys(text for text in texts if text not in vectors))
        embedded = await asyncio.gather(*(self._ask(batch) for batch in batches(new, self._batch)))
        for batch in embedded:
            vectors |= batch
        return [vectors[text] for text in texts]

    async def _ask(self, texts: Sequence[str]) -> dict[str, Vector]:
        answer = await self._gateway.embed(self._name, texts, self._dimensions)
        return self._cache_vectors(texts, answer)

    def _cache_vectors(self, texts: Sequence[str], answer: Vectors) -> dict[str, Vector]:
        lengths_found = {len(vector) for vector in answer.vectors}
        if len(answer.vectors) != len(texts) or len(lengths_found) != 1 or 0 in lengths_found:
            text = f"{len(answer.vectors)} vectors came for {len(texts)} texts"
            raise PermanentError("wrong-vectors", text)
        matrix = np.asarray(answer.vectors, np.float32)
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        dimension = matrix.shape[1]
        if dimension != (self._dimension or dimension):
            raise PermanentError(
                "wrong-vectors",
                f"{self.model} returned vectors of {dimension} numbers, before that of "
                f"{self._dimension}",
            )
        self._dimension = dimension
        if not np.isfinite(matrix).all() or not lengths.all():
            raise PermanentError(
                "wrong-vectors", f"{self.model} returned a vector without a direction"
            )
        vectors = dict(zip(texts, matrix / lengths, strict=True))
        self._cache |= vectors
        while len(self._cache) > CACHE_TEXTS:
            self._cache.popitem(last=False)
        return vectors


@asynccontextmanager
async def open_endpoint_embedder(
    runtime: Runtime, settings: EmbeddingSettings, address: GatewayAddress
) -> AsyncIterator[EndpointEmbedder]:
    """Open the embedder of these settings. Wait for the gateway.

    Raise ConfigurationError when the model has no price, or its provider refuses the key.
    """
    await quote_of(runtime, settings.name)
    async with open_gateway_client(address, settings.name) as gateway:
        yield EndpointEmbedder(
            gateway, settings.name, dimensions=settings.dimensions, batch=settings.batch
        )


def batches(texts: Sequence[str], texts_max: int) -> list[list[str]]:
    """Split texts in order into batches of up to `texts_max` texts and `BATCH_BYTES_MAX` bytes.

    A longer text is alone in its batch.
    """
    split: list[list[str]] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if not split or len(split[-1]) == texts_max or size + length > BATCH_BYTES_MAX:
            split.append([])
            size = 0
        split[-1].append(text)
        size += length
    return split
