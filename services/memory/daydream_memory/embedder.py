"""The interface of what makes vectors of texts: the bundled model, or one at an endpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from daydream_memory.store import Vector


class Embedder(Protocol):
    """Makes unit vectors of one dimension."""

    model: str

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one float32 vector of length 1 for each text."""
