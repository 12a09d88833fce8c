"""Erasure beyond the store: messages with the texts are deleted from the streams.

The report says what is out of reach.
"""

from __future__ import annotations

import contextlib
import json
import logging
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StreamState
from nats.js.errors import NotFoundError

from daydream_contracts.errors import PermanentError
from daydream_contracts.events import Message
from daydream_contracts.rpc import Erase, Erased
from daydream_contracts.topology import CONSUMERS
from daydream_memory.erasure_record import ERASED_NOTE
from daydream_memory.store import Store
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
OUT_OF_REACH = (
    "Exports, vaults, feeds and backups that were made before",
    "Answers of models that may quote the texts: stored for up to nine days "
    "(bucket daydream-responses)",
    "Calls that wait in a provider's batch: they hold the texts for about a day "
    "(bucket daydream-batches)",
    "Texts that were sent to providers of models",
    "Logs of the services, which name documents by their source",
)
HYPOTHESES_REMAIN = (
    "Hypotheses about these facts remain. Erase again with --derived to remove them too"
)
IN_PROGRESS = (
    "Daydreams with these texts are in progress. Their verdicts are stored without the texts. "
    "Erase again in 10 minutes to remove their messages"
)
VERDICTS = "VERDICTS"
HOLD_TEXTS = (VERDICTS, "INSIGHTS", "DEADLETTERS", "DOCUMENTS")
IN_FLIGHT = tuple(
    dict.fromkeys(
        row.route.stream
        for row in CONSUMERS
        if row.message.payer is not Message.payer and row.route.stream not in HOLD_TEXTS
    )
)


@dataclass(frozen=True)
class Eraser:
    """Erase documents and facts wherever this system stores them."""

    store: Store
    js: JetStreamContext

    async def erase(self, request: Erase) -> Erased:
        """Erase these documents and facts. Idempotent. Raise PermanentError for unknown facts."""
        known = await self.store.visibility.resolve(request.fact_ids)
        if len(known) < len(request.fact_ids):
            raise PermanentError(
                "unknown-fact", f"Unknown facts among: {', '.join(request.fact_ids)}"
            )
        erased = await self.store.erasure.erase(
            request.sources,
            [visibility.fact.fact_id for visibility in known],
            derived=request.derived,
            note=_note(request),
        )
        marks = _marks((*erased.fact_ids, *request.sources))
        deleted = {stream: await self._delete(stream, marks) for stream in HOLD_TEXTS}
        log.info("erased %d facts for %s", len(erased.fact_ids), request.who)
        return Erased(
            facts=len(erased.fact_ids),
            verdicts=erased.verdicts,
            insights_retracted=erased.insights,
            messages={stream: count for stream, count in deleted.items() if count},
            out_of_reach=await self._out_of_reach(request, marks),
        )

    async def _out_of_reach(self, request: Erase, marks: list[bytes]) -> tuple[str, ...]:
        in_flight = [await self._holding(stream, marks) for stream in IN_FLIGHT]
        return (
            *((IN_PROGRESS,) if any(in_flight) else ()),
            *OUT_OF_REACH,
            *(() if request.derived else (HYPOTHESES_REMAIN,)),
        )

    async def _delete(self, stream: str, marks: list[bytes]) -> int:
        """Delete the messages with one of the marks; the server overwrites them.

        In VERDICTS, delete only those that the memory has stored: it still has to read the others.
        """
        sequences = await self._holding(stream, marks)
        if stream == VERDICTS:
            floor = (await self.js.consumer_info(stream, "memory")).ack_floor
            stored = floor.stream_seq if floor else 0
            sequences = [sequence for sequence in sequences if sequence <= stored]
        for sequence in sequences:
            await self.js.delete_msg(stream, sequence)
        return len(sequences)

    async def _holding(self, stream: str, marks: list[bytes]) -> list[int]:
        """Return the sequences of the messages that hold one of the marks."""
        info = await self.js.stream_info(stream)
        if not info.state.messages or not marks:
            return []
        if info.config.retention == RetentionPolicy.WORK_QUEUE:
            return await self._holding_in_queue(stream, info.state, marks)
        first, last = info.state.first_seq - 1, info.state.last_seq
        return [
            sequence
            async for sequence, message in read_stream(self.js, stream, first, last, gaps=True)
            if _has_mark(message.data, marks)
        ]

    async def _holding_in_queue(
        self, stream: str, state: StreamState, marks: list[bytes]
    ) -> list[int]:
        """Read messages one by one: a work queue accepts no second consumer."""
        sequences = []
        for sequence in range(state.first_seq, state.last_seq + 1):
            with contextlib.suppress(NotFoundError):
                message = await self.js.get_msg(stream, seq=sequence)
                if _has_mark(message.data or b"", marks):
                    sequences.append(sequence)
        return sequences


def _note(request: Erase) -> str:
    reason = f": {request.why}" if request.why else ""
    return f"{ERASED_NOTE}{request.who} on {request.requested_at:%Y-%m-%d}{reason}"


def _marks(names: tuple[str, ...]) -> list[bytes]:
    """Return what a message with one of these ids or sources contains."""
    return [json.dumps(name, ensure_ascii=False).encode() for name in names]


def _has_mark(data: bytes, marks: list[bytes]) -> bool:
    return any(mark in data for mark in marks)
