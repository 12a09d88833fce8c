"""After a restore: what was erased since the backup is erased again, and what came since is taken in from the streams, in order.

Before the service is ready, so that nobody sees the memory in between. Harmless twice: it begins again after a crash.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from nats.js import JetStreamContext
from pydantic import ValidationError

from daydream_contracts.errors import PermanentError, RetryLaterError
from daydream_contracts.events import ReviewRecorded, VerdictReached, VisibilityChanged
from daydream_contracts.topology import route_of
from daydream_memory.backups import BEFORE, FOLLOWED
from daydream_memory.sqlite import SqliteStore
from daydream_memory.verdict_writer import VerdictWriter
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
WAIT_S = 1.0


async def catch_up(
    store: SqliteStore,
    remembering: VerdictWriter,
    js: JetStreamContext,
    folder: Path,
    stopping: asyncio.Event,
) -> None:
    """Bring a restored memory up to date; nothing to do for any other."""
    places = await store.restored_at()
    if places is None:
        return
    before = folder / BEFORE
    if before.exists():
        await store.erase_as_in(before)

    async def verdict(message: VerdictReached) -> object:
        return await store.verdict(message.verdict_id) or await remembering.remember(message)

    takes: dict[type[Any], Callable[[Any], Awaitable[object]]] = {
        VerdictReached: verdict,
        ReviewRecorded: remembering.review,
        VisibilityChanged: remembering.stand,
    }
    taken = 0
    for kind in FOLLOWED:
        stream = route_of(kind).stream
        last = (await js.stream_info(stream)).state.last_seq
        async for _, message in read_stream(js, stream, places[kind.__name__], last, gaps=True):
            taken += await _take(takes[kind], kind, message.data, stopping)
    log.info("the memory is restored: %d messages were taken in again", taken)
    await store.caught_up()
    before.unlink(missing_ok=True)


async def _take(
    take: Callable[[Any], Awaitable[object]], kind: type[Any], data: bytes, stopping: asyncio.Event
) -> int:
    """What its consumer would do, but for telling the outside, which heard of it before."""
    while True:
        try:
            await take(kind.model_validate_json(data))
            return 1
        except (ValidationError, PermanentError) as error:  # it is a dead letter already
            log.warning("a message can't be taken in again: %s", error)
            return 0
        except RetryLaterError as later:
            if stopping.is_set():
                raise
            log.warning("the restore waits: %s", later)
            await asyncio.sleep(WAIT_S)
