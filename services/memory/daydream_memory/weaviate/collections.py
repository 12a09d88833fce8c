"""The collections of one store as tables, and the clock of what is written to them."""

from __future__ import annotations

import time

from weaviate import WeaviateAsyncClient

from daydream_memory.settings import WeaviateSettings
from daydream_memory.weaviate.schema import (
    DOCUMENT,
    FACT,
    MENTION,
    META,
    OUTCOME,
    REMOVAL,
    REVIEW,
    VERDICT,
    vector_name,
)
from daydream_memory.weaviate.table import Table


class WeaviateCollections:
    """The tables that the parts of the store share.

    `facts` and `verdicts` carry the vectors of the model in use, `next_facts` and `next_verdicts`
    those of the model that replaces it.
    """

    def __init__(self, client: WeaviateAsyncClient, settings: WeaviateSettings) -> None:
        self.client = client
        self.settings = settings
        self.documents = Table(client, settings, DOCUMENT, "document")
        self.mentions = Table(client, settings, MENTION, "mention")
        self.removals = Table(client, settings, REMOVAL, "removal")
        self.reviews = Table(client, settings, REVIEW, "review")
        self.outcomes = Table(client, settings, OUTCOME, "outcome")
        self.meta = Table(client, settings, META, "meta")
        self._last_at = 0
        self.use_models("", "")

    def use_models(self, embedding_model: str, next_model: str) -> None:
        """Use the vectors of these models from now on."""
        self.embedding_model = embedding_model
        self.next_model = next_model
        self.facts, self.verdicts = self._embedded(embedding_model)
        self.next_facts, self.next_verdicts = self._embedded(next_model)

    def _embedded(self, model: str) -> tuple[Table, Table]:
        name = vector_name(model)
        return (
            Table(self.client, self.settings, FACT, "fact", name),
            Table(self.client, self.settings, VERDICT, "verdict", name),
        )

    def now(self) -> int:
        """Return the time in microseconds. Later calls return more."""
        self._last_at = max(self._last_at + 1, time.time_ns() // 1000)
        return self._last_at

    async def read_meta(self, key: str) -> str:
        """Return a text of the store as a whole, "" if there is none."""
        rows = await self.meta.get([(key,)])
        return str(rows[0]["value"]) if rows else ""

    async def write_meta(self, key: str, value: str) -> None:
        """Store a text of the store as a whole."""
        await self.meta.insert([((key,), {"key": key, "value": value})])
