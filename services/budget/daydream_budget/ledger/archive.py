"""Commits that a snapshot is past move, compressed, out of the ledger's stream into its archive.

    stream: 1 … cut | cut+1 … now        archive: segments of 500 commits, 1 … cut

Segment k holds the commits k·500+1 … (k+1)·500, one JSON text a line; so a name says what is inside, and what is done twice, or by
two replicas, has one result. A segment is written, read again and compared before the stream and its mirror let go of it: a kill
at any moment leaves each commit in one place or in both. `commits` reads both as one ledger.
"""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

from nats.js import JetStreamContext

from daydream_contracts.topology import ARCHIVE_OBJECTS, LEDGER, LEDGER_MIRROR
from daydream_runtime.object_store import fetch
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
SEGMENT = 500
READ_S = 5.0  # a segment has a few megabytes at most


class ArchiveMismatchError(Exception):
    """Archive and stream contradict each other, so nothing is removed from either. A person must look."""


def segment_of(sequence: int) -> tuple[int, int]:
    """The first and the last sequence of the segment that a commit belongs to."""
    first = (sequence - 1) // SEGMENT * SEGMENT + 1
    return first, first + SEGMENT - 1


async def commits(js: JetStreamContext, after: int) -> AsyncGenerator[tuple[int, bytes], None]:
    """The commits after a sequence, until what is the last one now, as (sequence, JSON), out of archive and stream.

    A commit that is in neither is left out: whoever folds them must look at the numbers.
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
        async with aclosing(read_stream(js, LEDGER, after, last)) as rest:
            async for sequence, message in rest:
                if (
                    sequence > after + 1
                    and (await js.stream_info(LEDGER)).state.first_seq > after + 1
                ):
                    break  # they were archived under the reader
                yield sequence, message.data
                after = sequence


async def compact(js: JetStreamContext, behind: int) -> int:
    """Move every whole segment up to the sequence `behind`, which a stored snapshot must have reached; the first sequence that
    the stream still holds. A stream that denies purging (made by an early build) is left whole. TimeoutError and NATS errors end
    it between two steps, and the next call goes on from there."""
    info = await js.stream_info(LEDGER)
    start, stop = segment_of(info.state.first_seq)
    while stop <= behind and not info.config.deny_purge:
        await _keep(js, start, stop)
        for stream in (LEDGER, LEDGER_MIRROR):
            await js.purge_stream(stream, seq=stop + 1)
        log.info("commits %d to %d moved to the ledger's archive", start, stop)
        start, stop = segment_of(stop + 1)
    return (await js.stream_info(LEDGER)).state.first_seq


async def _keep(js: JetStreamContext, start: int, stop: int) -> None:
    """Archive a segment, unless it is there already. ArchiveMismatchError when one of the same name says something else."""
    found = [
        (sequence, message.data)
        async for sequence, message in read_stream(js, LEDGER, start - 1, stop)
    ]
    if [sequence for sequence, _ in found] != list(range(start, stop + 1)):
        raise ArchiveMismatchError(
            f"commits {start} to {stop} are not all in the stream, so none is removed"
        )
    kept = await _segment(js, start)
    if not kept:
        content = b"\n".join(data for _, data in found)
        store = await js.object_store(ARCHIVE_OBJECTS)
        await store.put(_name(start), await asyncio.to_thread(gzip.compress, content, mtime=0))
        kept = await _segment(js, start)
    if kept != found:
        raise ArchiveMismatchError(
            f"the archive has other commits {start} to {stop} than the stream, so none is removed"
        )


async def _segment(js: JetStreamContext, sequence: int) -> list[tuple[int, bytes]]:
    """The archived segment around `sequence`; nothing when it is not archived."""
    start, _ = segment_of(sequence)
    content = await fetch(await js.object_store(ARCHIVE_OBJECTS), _name(start), within_s=READ_S)
    if content is None:
        return []
    return list(enumerate((await asyncio.to_thread(gzip.decompress, content)).split(b"\n"), start))


def _name(start: int) -> str:
    return f"commits-{start:015d}.jsonl.gz"
