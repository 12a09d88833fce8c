"""An offered document to facts and a report, through a process that can be killed.

The process sees the bytes and the name, nothing else. What it answers is text to be believed in
nothing: ids, source, team and clearance of the facts come from the offer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from daydream_contracts.events import DocumentOffered
from daydream_contracts.rpc import LeftOutReport
from daydream_memory.fact_fingerprint import fact_id_of
from daydream_memory.sandbox import ReadFact, ReadOutcome, ReadRequest
from daydream_memory.sandbox.limits import STOPPED
from daydream_memory.store import NewFact

STOPPED_KIND = "stopped"  # an ingest offers such a document again
KNOWN_KIND = "known"
ENCRYPTED = "encrypted"  # how the reports of such documents begin
NO_FACTS = "nothing long enough to be a fact"


class DocumentPool(Protocol):
    """Reads open files. `ReadingPool` is the real one."""

    async def read(
        self, descriptor: int, request: ReadRequest, labels: tuple[str, str] = ("", "")
    ) -> ReadOutcome:
        """Read an open document."""


@dataclass(frozen=True)
class ReadDocument:
    """What a document gave: its facts, and what its report says."""

    status: Literal["read", "skipped", "refused"]
    note: str = ""
    kind: str = ""
    left_out: tuple[LeftOutReport, ...] = ()
    facts: tuple[NewFact, ...] = ()


@dataclass(frozen=True)
class ReadingOptions:
    """How documents are read. `passwords` are tried on encrypted ones."""

    chars_max: int
    passwords: tuple[str, ...] = ()


async def read_offered(
    pool: DocumentPool, offer: DocumentOffered, descriptor: int, options: ReadingOptions
) -> ReadDocument:
    """Read an offered document from an open file. Whatever is wrong with it is in the result.

    The passwords go to a process only when the document needs one.
    """
    request = ReadRequest(
        source=offer.source, kind=offer.kind, chars_max=options.chars_max, title=offer.title
    )
    labels = (offer.team, offer.clearance)
    outcome = await pool.read(descriptor, request, labels)
    if options.passwords and outcome.end.note.startswith(ENCRYPTED):
        os.lseek(descriptor, 0, os.SEEK_SET)
        request = request.model_copy(update={"passwords": options.passwords})
        outcome = await pool.read(descriptor, request, labels)
    # In a thread: a document may have 50,000 facts, and searches must be answered meanwhile.
    facts = await asyncio.to_thread(_new_facts, outcome.facts, offer)
    note, left_out = outcome.end.note, outcome.end.left_out
    if outcome.stopped.startswith(STOPPED):
        note = ""
        stopped = LeftOutReport(kind=STOPPED_KIND, count=1, text=outcome.stopped[:300])
        left_out = (*left_out, stopped)
    if outcome.stopped:
        return ReadDocument("read" if facts else "refused", note, "", left_out, facts)
    status = outcome.end.status
    if status == "read" and not facts:
        status, note = "skipped", note or NO_FACTS
    return ReadDocument(status, note, outcome.end.kind, left_out, facts)


def known_already(sources: Sequence[str], facts: int) -> LeftOutReport:
    """Return what the report says when all facts of a document are known from other sources."""
    others = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    name = sources[0] if len(sources[0]) <= 200 else f"…{sources[0][-200:]}"
    return LeftOutReport(kind=KNOWN_KIND, count=facts, text=f"known already from {name}{others}")


def _new_facts(facts: Sequence[ReadFact], offer: DocumentOffered) -> tuple[NewFact, ...]:
    return tuple(_new_fact(fact, offer) for fact in facts)


def _new_fact(fact: ReadFact, offer: DocumentOffered) -> NewFact:
    return NewFact(
        fact_id=fact_id_of(fact.text, offer.kind, offer.team, offer.clearance),
        text=fact.text,
        title=fact.title,
        source=offer.source,
        domain=fact.domain,
        kind=offer.kind,
        position=fact.position,
        document_id=offer.document_id,
        tags=fact.tags,
        licence=fact.licence,
        date=fact.date,
        team=offer.team,
        clearance=offer.clearance,
    )
