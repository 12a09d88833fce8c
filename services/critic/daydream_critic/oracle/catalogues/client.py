"""Ask a catalogue politely: one request at a time, a pause between two, answers kept for a day.

Data: words → the cache → a request with the lab's contact address → the answer, read and cached.
What can fail: the network, a refusal or an answer of another form. Each raises CatalogueError; the
examination continues and says that this source was not asked. After a refusal with `Retry-After`
nothing is asked until that time, so that a busy catalogue is left alone.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import aiohttp

from daydream_critic.oracle.catalogues.catalogue import Catalogue, CatalogueAccess, key_words
from daydream_critic.oracle.literature import Publication

REQUEST_TIMEOUT_S = 15.0
ANSWER_BYTES_MAX = 4 << 20
CACHE_ANSWERS_MAX = 500
CACHE_S = 86_400.0
REFUSED_PAUSE_S, REFUSED_PAUSE_S_MAX = 60.0, 3_600.0
REFUSALS = frozenset({403, 429, 503})
CacheKey = tuple[tuple[str, ...], int]


class CatalogueError(Exception):
    """The catalogue gave no publications. The text says why, without what was asked."""


@dataclass
class CatalogueClient:
    """Searches one catalogue. Call it like a plug-in: `await client(query, limit)`."""

    catalogue: Catalogue
    access: CatalogueAccess
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _next_at: float = 0.0
    _refused_until: float = 0.0
    _cache: OrderedDict[CacheKey, tuple[float, list[Publication]]] = field(
        default_factory=OrderedDict
    )

    async def __call__(self, query: str, limit: int) -> Sequence[Publication]:
        """Return at most `limit` publications. Raise CatalogueError if there is no answer."""
        words = key_words(query)
        if not words:
            return []
        key = (tuple(words), limit)
        async with self._turn:
            cached = self._cached(key)
            if cached is None:
                cached = (await self._ask(words, limit))[:limit]
                self._keep(key, cached)
            return cached

    def _cached(self, key: CacheKey) -> list[Publication] | None:
        kept = self._cache.get(key)
        if kept is None or self.clock() - kept[0] > CACHE_S:
            return None
        self._cache.move_to_end(key)
        return kept[1]

    def _keep(self, key: CacheKey, publications: list[Publication]) -> None:
        self._cache[key] = (self.clock(), publications)
        self._cache.move_to_end(key)
        if len(self._cache) > CACHE_ANSWERS_MAX:
            self._cache.popitem(last=False)

    async def _ask(self, words: Sequence[str], limit: int) -> list[Publication]:
        name = self.catalogue.name
        if self.clock() < self._refused_until:
            raise CatalogueError(f"{name} asked to wait")
        await self.pause(max(0.0, self._next_at - self.clock()))
        try:
            body = await self._fetch(words, limit)
            return self.catalogue.read(body)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise CatalogueError(f"{name} cannot be reached: {type(error).__name__}") from error
        except ValueError as error:
            raise CatalogueError(f"{name} gave an answer of another form") from error
        finally:
            self._next_at = self.clock() + self.catalogue.pause_s

    async def _fetch(self, words: Sequence[str], limit: int) -> bytes:
        request = self.catalogue.request(words, limit, self.access)
        agent = f"daydream (mailto:{self.access.contact})"
        url = self.access.url or self.catalogue.url
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S),
                headers={"User-Agent": agent, **request.headers},
            ) as session,
            session.get(url, params=request.params, allow_redirects=False) as answer,
        ):
            if answer.status in REFUSALS:
                self._refused_until = self.clock() + _wait_s(answer.headers.get("Retry-After", ""))
            if answer.status != 200:
                raise CatalogueError(f"{self.catalogue.name} answered {answer.status}")
            body = await answer.content.read(ANSWER_BYTES_MAX + 1)
            while len(body) <= ANSWER_BYTES_MAX and not answer.content.at_eof():
                body += await answer.content.read(ANSWER_BYTES_MAX + 1 - len(body))
        if len(body) > ANSWER_BYTES_MAX:
            raise CatalogueError(f"{self.catalogue.name} gave an answer that is too long")
        return body


def _wait_s(retry_after: str) -> float:
    """Return the seconds that a refusal asks for. A date, or nothing, counts as a minute."""
    seconds = float(retry_after) if retry_after.strip().isdecimal() else REFUSED_PAUSE_S
    return min(seconds, REFUSED_PAUSE_S_MAX)
