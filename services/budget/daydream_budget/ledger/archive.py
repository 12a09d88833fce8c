"""Move commits that a snapshot has passed from the ledger's stream into its archive, compressed.

    stream: 1 … cut | cut+1 … now        archive: segments of 500 commits, 1 … cut

Segment k holds the messages k·500+1 … (k+1)·500, one JSON object per line, with their exact bytes
and the broker's time: unreadable messages too. Its name says what is inside. So moving it twice, or
by two replicas, has one result. A segment is written, read again and compared before the stream and
its mirror drop it: a crash at any moment leaves each message in one place or in both. `messages`
reads both as one ledger.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from nats.js import JetStreamContext
from pydantic import BaseModel

from daydream_budget.ledger.chain import LedgerMessage
from daydream_contracts.buckets import ARCHIVE_OBJECTS
from daydream_contracts.topology import LEDGER, LEDGER_MIRROR
from daydream_runtime.object_store import fetch
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
SEGMENT_COMMITS = 500
READ_S = 5.0  # a segment has a few megabytes at most


class ArchiveMismatchError(Exception):
    """Archive and stream contradict each other. Nothing is removed from either; check by hand."""


class ArchivedMessage(BaseModel):
    """One line of a segment. Each character of `data` is one byte (Latin-1)."""

    sequence: int
    stored_at: datetime
    data: str

    @classmethod
    def of(cls, message: LedgerMessage) -> ArchivedMessage:
        """Return the line of a message."""
        return cls(
            sequence=message.sequence,
            stored_at=message.stored_at,
            data=message.data.decode("latin-1"),
        )

    def restore(self) -> LedgerMessage:
        """Return the message of this line."""
        return LedgerMessage(self.sequence, self.data.encode("latin-1"), self.stored_at)


def segment_of(sequence: int) -> tuple[int, int]:
    """Return the first and last sequence of the segment that a commit belongs to."""
    first = (sequence - 1) // SEGMENT_COMMITS * SEGMENT_COMMITS + 1
    return first, first + SEGMENT_COMMITS - 1


async def messages(js: JetStreamContext, after: int) -> AsyncGenerator[LedgerMessage, None]:
    """Yield the messages after a sequence, from the archive and the stream.

    The end is what is the last message at the start. A message that is in neither is left out: the
    caller must check that the sequences have no gap.
    """
    last = (await js.stream_info(LEDGER)).state.last_seq
    while after < last:
        first = (await js.stream_info(LEDGER)).state.first_seq
        if after + 1 < first:
            for message in await _segment(js, after + 1):
                if after < message.sequence < first:
                    yield message
            after = min(segment_of(after + 1)[1], first - 1)
            continue
        async with aclosing(_stored(js, after, last)) as tail:
            async for message in tail:
                if message.sequence > after + 1 and await _is_archived(js, after + 1):
                    break  # archived while it was read
                yield message
                after = message.sequence


async def compact(js: JetStreamContext, behind: int) -> int:
    """Move every whole segment up to the sequence `behind`, which a stored snapshot must include.

    The last message stays: the broker compares the next commit's expected sequence with it, and
    refuses every commit once it is gone. Return the first sequence that the stream still holds.
    TimeoutError or a NATS error ends it between two steps, and the next call resumes there.
    """
    state = (await js.stream_info(LEDGER)).state
    start, stop = segment_of(state.first_seq)
    while stop <= behind and stop < state.last_seq:
        await _store(js, start, stop)
        for stream in (LEDGER, LEDGER_MIRROR):
            await js.purge_stream(stream, seq=stop + 1)
        log.info("Commits %d to %d are in the ledger's archive.", start, stop)
        start, stop = segment_of(stop + 1)
    return (await js.stream_info(LEDGER)).state.first_seq


async def _stored(
    js: JetStreamContext, after: int, last: int
) -> AsyncGenerator[LedgerMessage, None]:
    """Yield the messages of the stream after a sequence, up to `last`."""
    async with aclosing(read_stream(js, LEDGER, after, last)) as tail:
        async for sequence, message in tail:
            yield LedgerMessage(sequence, message.data, message.metadata.timestamp)


async def _is_archived(js: JetStreamContext, sequence: int) -> bool:
    return bool((await js.stream_info(LEDGER)).state.first_seq > sequence)


async def _store(js: JetStreamContext, start: int, stop: int) -> None:
    """Archive a segment unless it is there. Raises ArchiveMismatchError if another one is."""
    segment = [message async for message in _stored(js, start - 1, stop)]
    if [message.sequence for message in segment] != list(range(start, stop + 1)):
        raise ArchiveMismatchError(
            f"commits {start} to {stop} are not all in the stream, so none is removed"
        )
    archived = await _segment(js, start)
    if not archived:
        lines = (ArchivedMessage.of(message).model_dump_json() for message in segment)
        content = "\n".join(lines).encode()
        store = await js.object_store(ARCHIVE_OBJECTS)
        await store.put(_name(start), await asyncio.to_thread(gzip.compress, content, mtime=0))
        archived = await _segment(js, start)
    if archived != segment:
        raise ArchiveMismatchError(
            f"the archive has other commits {start} to {stop} than the stream, so none is removed"
        )


async def _segment(js: JetStreamContext, sequence: int) -> list[LedgerMessage]:
    """Return the archived segment around `sequence`; empty if it is not archived."""
    start, _ = segment_of(sequence)
    content = await fetch(await js.object_store(ARCHIVE_OBJECTS), _name(start), within_s=READ_S)
    if content is None:
        return []
    text = await asyncio.to_thread(gzip.decompress, content)
    return [ArchivedMessage.model_validate_json(line).restore() for line in text.split(b"\n")]


def _name(start: int) -> str:
    return f"commits-{start:015d}.jsonl.gz"
