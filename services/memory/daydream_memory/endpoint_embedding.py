"""Texts to vectors by any OpenAI-compatible endpoint, paid from the ledger.

Data: texts → those not in the cache, in batches → open a reservation for the batch and draw its bound, in one question → call → settle → close.
What can fail: no money (RetryLaterError, until the ledger says when; whoever asked waits), the endpoint (its failures), this process between draw and settle
(the draw is spent when its time is up, and the texts are embedded again).
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
from daydream_runtime.service import Runtime

CACHE_TEXTS = 2048
BATCH_BYTES_MAX = 200_000  # most endpoints take some 300,000 tokens in a call
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
        self._count = counter_for(endpoint.settings.name, endpoint.settings.base_url)
        self._cache: OrderedDict[str, Vector] = OrderedDict()
        self._length = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """One float32 vector of length 1 for each text. Raises the failures of `budget` and `endpoint`."""
        known = {text: self._cache[text] for text in texts if text in self._cache}
        new = list(dict.fromkeys(text for text in texts if text not in known))
        parts = await asyncio.gather(*(self._buy(part) for part in batches(new, self._batch)))
        known |= {text: vector for part in parts for text, vector in part.items()}
        return [known[text] for text in texts]

    async def _buy(self, texts: Sequence[str]) -> dict[str, Vector]:
        lifetime_s = self._endpoint.settings.timeout_s + SETTLE_GRACE_S
        now = datetime.now(UTC)
        tokens = prompt_tokens_bound(texts, 0, self._count)
        bound = call_bound_nanousd(
            self._price, tokens, 0, span=(now, now + timedelta(seconds=lifetime_s))
        )
        attempt_id, reservation_id = await self._draw(bound, lifetime_s, now)
        try:
            raw = await self._endpoint.embed(texts, self._dimensions)
        except ModelCallError as failed:
            await self._budget.settle(attempt_id, None if failed.may_have_cost else 0)
            await self._close(reservation_id)
            raise failed.failure from failed
        try:
            return self._kept(
                texts, raw
            )  # first, so that what is paid for is there when the ledger can't be reached and this is tried again
        finally:
            cost = self._price.cost_nanousd(raw.usage, at=datetime.now(UTC)) if raw.usage else bound
            await self._budget.settle(
                attempt_id, cost, raw.usage.input_tokens if raw.usage else None, 0, raw.provider_id
            )
            await self._close(reservation_id)

    async def _draw(self, bound: int, lifetime_s: float, now: datetime) -> tuple[str, str]:
        nonce = uuid4().hex
        reservation_id = derive_id("embedding", nonce)
        budget = self._budget
        first = Authorize(
            reservation_id=reservation_id,
            call_id=reservation_id,
            nonce=nonce,
            stage=budget.stage,
            model=budget.model,
            team=budget.team,
            upper_bound_nanousd=bound,
            lifetime_s=lifetime_s,
        )
        part = AllocationRequest(
            stage=budget.stage, model=budget.model, team=budget.team, upper_bound_nanousd=bound
        )
        grant = await budget.rpc.request(
            BUDGET_OPEN,
            OpenReservation(
                reservation_id=reservation_id,
                allocations=(part,),
                first_attempt=first,
                purpose="embedding",
                requested_at=now,
            ),
        )
        if grant.refusal is not None:
            raise refusal_error(grant.refusal)
        return grant.attempt_id, reservation_id

    async def _close(self, reservation_id: str) -> None:
        await self._budget.rpc.request(
            BUDGET_RELEASE, ReleaseReservation(reservation_id=reservation_id)
        )

    def _kept(self, texts: Sequence[str], raw: ProviderVectors) -> dict[str, Vector]:
        matrix = np.asarray(raw.vectors, np.float32)
        length = np.linalg.norm(matrix, axis=1, keepdims=True)
        if matrix.shape[1] != (self._length or matrix.shape[1]):
            raise PermanentError(
                "wrong-vectors",
                f"{self.model} gave vectors of {matrix.shape[1]} numbers, and of {self._length} before",
            )
        self._length = matrix.shape[1]
        if not np.isfinite(matrix).all() or not length.all():
            raise PermanentError(
                "wrong-vectors", f"{self.model} gave a vector that has no direction"
            )
        found = dict(zip(texts, matrix / length, strict=True))
        self._cache |= found
        while len(self._cache) > CACHE_TEXTS:
            self._cache.popitem(last=False)
        return found


@asynccontextmanager
async def open_embedder(
    runtime: Runtime, settings: EmbeddingSettings, prices_file: str
) -> AsyncIterator[EndpointEmbedder]:
    """The one of these settings. ConfigurationError when it has no price, can't be reached or refuses the key."""
    model = settings.as_model()
    price = find_price(model, read_prices(prices_file))
    endpoint = ModelProvider(model)
    try:
        await endpoint.check()
        budget = BudgetClient(runtime.ask, runtime.settings.service, model.name)
        yield EndpointEmbedder(
            endpoint, price, budget, dimensions=settings.dimensions, batch=settings.batch
        )
    finally:
        await endpoint.close()


def batches(texts: Sequence[str], most: int) -> list[list[str]]:
    """In order, each of at most so many texts and `BATCH_BYTES_MAX`; a longer text alone."""
    found: list[list[str]] = []
    size = 0
    for text in texts:
        length = len(text.encode())
        if not found or len(found[-1]) == most or size + length > BATCH_BYTES_MAX:
            found.append([])
            size = 0
        found[-1].append(text)
        size += length
    return found
