"""Texts to vectors by any OpenAI-compatible endpoint, paid from the ledger.

Data: texts → those not in the cache, in batches → open a reservation for the batch and authorize
its upper bound, in one request → call → settle → release.

What can fail:

- There is no money: RetryLaterError until the ledger grants it, and the caller waits.
- The endpoint fails: its own errors.
- This process dies between authorization and settlement: the authorization counts in full when its
  lifetime ends, and the texts are embedded again.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import derive_id
from daydream_contracts.rpc import AllocationRequest, Authorize, OpenReservation, ReleaseReservation
from daydream_contracts.topology import BUDGET_OPEN, BUDGET_RELEASE
from daydream_memory.settings import EmbeddingSettings
from daydream_memory.store import Vector
from daydream_models.budget_client import BudgetClient, refusal_error
from daydream_models.pricing.bounds import call_bound_nanousd, prompt_tokens_bound
from daydream_models.pricing.lookup import find_price
from daydream_models.pricing.price_file import read_prices
from daydream_models.pricing.tariff import Price
from daydream_models.pricing.tokens import counter_for
from daydream_models.provider import ModelProvider
from daydream_models.provider_answers import ProviderVectors
from daydream_models.provider_errors import ModelCallError
from daydream_runtime.runtime_context import Runtime

CACHE_TEXTS = 2048
BATCH_BYTES_MAX = 200_000  # most endpoints accept about 300,000 tokens in a call
SETTLE_GRACE_S = 60.0


class EndpointEmbedder:
    """An `Embedder`. Vectors are scaled to length 1."""

    def __init__(
        self,
        endpoint: ModelProvider,
        price: Price,
        budget: BudgetClient,
        *,
        dimensions: int = 0,
        batch: int = 64,
    ) -> None:
        self.model = endpoint.settings.name + (f"@{dimensions}" if dimensions else "")
        self._endpoint = endpoint
        self._price = price
        self._budget = budget
        self._dimensions = dimensions
        self._batch = batch
        self._count_tokens = counter_for(endpoint.settings.name, endpoint.settings.base_url)
        self._cache: OrderedDict[str, Vector] = OrderedDict()
        self._dimension = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one float32 vector of length 1 for each text.

        Raise the errors of the ledger and of the endpoint.
        """
        vectors = {text: self._cache[text] for text in texts if text in self._cache}
        new = list(dict.fromkeys(text for text in texts if text not in vectors))
        paid = await asyncio.gather(*(self._pay(batch) for batch in batches(new, self._batch)))
        for batch in paid:
            vectors |= batch
        return [vectors[text] for text in texts]

    async def _pay(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Embed a batch and pay for it."""
        lifetime_s = self._endpoint.settings.timeout_s + SETTLE_GRACE_S
        upper_bound = self._upper_bound_nanousd(texts, lifetime_s)
        attempt_id, reservation_id = await self._authorize(upper_bound, lifetime_s)
        try:
            answer = await self._endpoint.embed(texts, self._dimensions)
        except ModelCallError as error:
            await self._budget.settle(attempt_id, None if error.may_have_cost else 0)
            await self._release(reservation_id)
            raise error.failure from error
        try:
            # first: what is paid for is in the cache when the ledger is unavailable and the caller
            # tries again
            return self._cache_vectors(texts, answer)
        finally:
            await self._settle(attempt_id, answer, upper_bound)
            await self._release(reservation_id)

    def _upper_bound_nanousd(self, texts: Sequence[str], lifetime_s: float) -> int:
        now = datetime.now(UTC)
        tokens = prompt_tokens_bound(texts, 0, self._count_tokens)
        span = (now, now + timedelta(seconds=lifetime_s))
        return call_bound_nanousd(self._price, tokens, 0, span=span)

    async def _authorize(self, upper_bound_nanousd: int, lifetime_s: float) -> tuple[str, str]:
        """Open a reservation. Return the ids of its first attempt and of the reservation."""
        nonce = uuid4().hex
        reservation_id = derive_id("embedding", nonce)
        budget = self._budget
        first_attempt = Authorize(
            reservation_id=reservation_id,
            call_id=reservation_id,
            nonce=nonce,
            stage=budget.stage,
            model=budget.model,
            team=budget.team,
            upper_bound_nanousd=upper_bound_nanousd,
            lifetime_s=lifetime_s,
        )
        allocation = AllocationRequest(
            stage=budget.stage,
            model=budget.model,
            team=budget.team,
            upper_bound_nanousd=upper_bound_nanousd,
        )
        request = OpenReservation(
            reservation_id=reservation_id,
            allocations=(allocation,),
            first_attempt=first_attempt,
            purpose="embedding",
            requested_at=datetime.now(UTC),
        )
        grant = await budget.rpc.request(BUDGET_OPEN, request)
        if grant.refusal is not None:
            raise refusal_error(grant.refusal)
        return grant.attempt_id, reservation_id

    async def _settle(self, attempt_id: str, answer: ProviderVectors, upper_bound: int) -> None:
        """Settle with the real cost, or with the upper bound where the usage is unknown."""
        usage = answer.usage
        cost = self._price.cost_nanousd(usage, at=datetime.now(UTC)) if usage else upper_bound
        input_tokens = usage.input_tokens if usage else None
        await self._budget.settle(attempt_id, cost, input_tokens, 0, answer.provider_id)

    async def _release(self, reservation_id: str) -> None:
        await self._budget.rpc.request(
            BUDGET_RELEASE, ReleaseReservation(reservation_id=reservation_id)
        )

    def _cache_vectors(self, texts: Sequence[str], answer: ProviderVectors) -> dict[str, Vector]:
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
    runtime: Runtime, settings: EmbeddingSettings, prices_file: str
) -> AsyncIterator[EndpointEmbedder]:
    """Open the embedder of these settings.

    Raise ConfigurationError when it has no price, is unavailable or refuses the key.
    """
    model = settings.as_model()
    price = find_price(model, read_prices(prices_file))
    endpoint = ModelProvider(model)
    try:
        await endpoint.check()
        budget = BudgetClient(runtime.rpc, runtime.settings.service, model.name)
        yield EndpointEmbedder(
            endpoint, price, budget, dimensions=settings.dimensions, batch=settings.batch
        )
    finally:
        await endpoint.close()


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
