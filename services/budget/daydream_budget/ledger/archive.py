"""Move commits that a snapshot has passed from the ledger's stream into its archive, compressed.

    stream: 1 … cut | cut+1 … now        archive: segments of 500 commits, 1 … cut

Segment k holds the commits k·500+1 … (k+1)·500, one JSON text per line. Its name says what is
inside. So moving it twice, or by two replicas, has one result. A segment is written, read again and
compared before the stream and its mirror drop it: a crash at any moment leaves each commit in one
place or in both. `commits` reads both as one ledger.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from nats.js import JetStreamContext

from daydream_contracts.buckets import ARCHIVE_OBJECTS
from daydream_contracts.topology import LEDGER, LEDGER_MIRROR
from daydream_runtime.object_store import fetch
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
SEGMENT_COMMITS = 500
READ_S = 5.0  # a segment has a few megabytes at most


class ArchiveMismatchError(Exception):
    """Archive and stream contradict each other. Nothing is removed from either; check by hand."""


def segment_of(sequence: int) -> tuple[int, int]:
    """Return the first and last sequence of the segment that a commit belongs to."""
    first = (sequence - 1) // SEGMENT_COMMITS * SEGMENT_COMMITS + 1
    return first, first + SEGMENT_COMMITS - 1


async def commits(js: JetStreamContext, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
    """Yield (sequence, JSON) of the commits after a sequence, from the archive and the stream.

    The end is what is the last commit at the start. A commit that is in neither is left out: the
    caller must check that the sequences have no gap.
    """
    last = (await js.stream_info(LEDGER)).state.last_seq
    while after < last:
        first = (await js.stream_info(LEDGER)).state.first_seq
        if after + 1 < first:
            for sequence, data in await _segment(js, after + 1):
                if after < sequence < first:
                    yield sequence, data
            after = min(segment_of(after + 1)[1], first - 1)
            continue
        async with aclosing(read_stream(js, LEDGER, after, last)) as tail:
            async for sequence, message in tail:
                if sequence > after + 1 and await _is_archived(js, after + 1):
                    break  # archived while it was read
                yield sequence, message.data
                after = sequence


async def compact(js: JetStreamContext, behind: int) -> int:
    """Move every whole segment up to the sequence `behind`, which a stored snapshot must include.

    Return the first sequence that the stream still holds. TimeoutError or a NATS error ends it
    between two steps, and the next call resumes there.
    """
    start, stop = segment_of((await js.stream_info(LEDGER)).state.first_seq)
    while stop <= behind:
        await _store(js, start, stop)
        for stream in (LEDGER, LEDGER_MIRROR):
            await js.purge_stream(stream, seq=stop + 1)
        log.info("Commits %d to %d are in the ledger's archive.", start, stop)
        start, stop = segment_of(stop + 1)
    return (await js.stream_info(LEDGER)).state.first_seq


async def _is_archived(js: JetStreamContext, sequence: int) -> bool:
    return bool((await js.stream_info(LEDGER)).state.first_seq > sequence)


async def _store(js: JetStreamContext, start: int, stop: int) -> None:
    """Archive a segment unless it is there. Raises ArchiveMismatchError if another one is."""
    tail = read_stream(js, LEDGER, start - 1, stop)
    segment = [(sequence, message.data) async for sequence, message in tail]
    if [sequence for sequence, _ in segment] != list(range(start, stop + 1)):
        raise ArchiveMismatchError(
            f"commits {start} to {stop} are not all in the stream, so none is removed"
        )
    archived = await _segment(js, start)
    if not archived:
        content = b"\n".join(data for _, data in segment)
        store = await js.object_store(ARCHIVE_OBJECTS)
        await store.put(_name(start), await asyncio.to_thread(gzip.compress, content, mtime=0))
        archived = await _segment(js, start)
    if archived != segment:
        raise ArchiveMismatchError(
            f"the archive has other commits {start} to {stop} than the stream, so none is removed"
        )


async def _segment(js: JetStreamContext, sequence: int) -> list[tuple[int, bytes]]:
    """Return the archived segment around `sequence`; empty if it is not archived."""
    start, _ = segment_of(sequence)
    content = await fetch(await js.object_store(ARCHIVE_OBJECTS), _name(start), within_s=READ_S)
    if content is None:
        return []
    text = await asyncio.to_thread(gzip.decompress, content)
    return list(enumerate(text.split(b"\n"), start))


def _name(start: int) -> str:
    return f"commits-{start:015d}.jsonl.gz"
