"""Erasure beyond the store: messages that hold the texts are deleted from the streams, and what can't be reached is said."""

from __future__ import annotations

import contextlib
import json
import logging

from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy
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
    "exports, vaults and feeds that were made before, and backups of the data",
    "answers of models, which may quote the texts, are kept for at most nine days (the bucket daydream-responses)",
    "calls that wait in a batch hold the texts for about a day (the bucket daydream-batches)",
    "what was sent to providers of models",
    "the logs of the services, which name documents by their source",
)
OF_OTHERS = "hypotheses that came from them; erase with --derived to remove them too"
ON_THEIR_WAY = "daydreams with these texts are on their way: their verdicts are kept without them; erase again in some minutes to remove their messages"
HOLD_TEXTS = ("VERDICTS", "INSIGHTS", "DEADLETTERS", "DOCUMENTS")
IN_FLIGHT = tuple(
    dict.fromkeys(
        row.flow.stream
        for row in CONSUMERS
        if row.message.payer is not Message.payer and row.flow.stream not in HOLD_TEXTS
    )
)


class Eraser:
    """Erases documents and facts wherever this system keeps them."""

    def __init__(self, store: Store, js: JetStreamContext) -> None:
        self._store = store
        self._js = js

    async def erase(self, request: Erase) -> Erased:
        """Harmless twice. Raises Permanent where a fact is not known."""
        known = await self._store.resolve(request.fact_ids)
        if len(known) < len(request.fact_ids):
            raise PermanentError("unknown-fact", "nobody knows some of these facts")
        note = f"{ERASED_NOTE}{request.who} on {request.asked_at:%Y-%m-%d}" + (
            f": {request.why}" if request.why else ""
        )
        found = await self._store.erase(
            request.sources, [one.fact.fact_id for one in known], derived=request.derived, note=note
        )
        marks = [
            json.dumps(one, ensure_ascii=False).encode()
            for one in (*found.fact_ids, *request.sources)
        ]
        deleted = {stream: await self._delete(stream, marks) for stream in HOLD_TEXTS}
        out_of_reach = OUT_OF_REACH if request.derived else (*OUT_OF_REACH, OF_OTHERS)
        if any([await self._holding(stream, marks) for stream in IN_FLIGHT]):
            out_of_reach = (ON_THEIR_WAY, *out_of_reach)
        log.info("erased %d facts for %s", len(found.fact_ids), request.who)
        return Erased(
            facts=len(found.fact_ids),
            verdicts=found.verdicts,
            insights_withdrawn=found.insights,
            messages={name: count for name, count in deleted.items() if count},
            out_of_reach=out_of_reach,
        )

    async def _delete(self, stream: str, marks: list[bytes]) -> int:
        """Delete the messages that hold one of the ids or sources; the server overwrites them. Of VERDICTS only what the memory has taken in: what it
        has not is still to be kept."""
        taken = None
        if stream == "VERDICTS":
            floor = (await self._js.consumer_info(stream, "memory")).ack_floor
            taken = floor.stream_seq if floor else 0
        found = [
            sequence
            for sequence in await self._holding(stream, marks)
            if taken is None or sequence <= taken
        ]
        for sequence in found:
            await self._js.delete_msg(stream, sequence)
        return len(found)

    async def _holding(self, stream: str, marks: list[bytes]) -> list[int]:
        """Places of the messages that hold one of the marks. A work queue takes no second reader, so its messages are got one by one."""
        info = await self._js.stream_info(stream)
        first, last = info.state.first_seq - 1, info.state.last_seq
        if not info.state.messages or not marks:
            return []
        found = []
        if info.config.retention == RetentionPolicy.WORK_QUEUE:
            for sequence in range(first + 1, last + 1):
                with contextlib.suppress(NotFoundError):
                    message = await self._js.get_msg(stream, seq=sequence)
                    found += (
                        [sequence] if any(mark in (message.data or b"") for mark in marks) else []
                    )
            return found
        async for sequence, read in read_stream(self._js, stream, first, last, gaps=True):
            found += [sequence] if any(mark in read.data for mark in marks) else []
        return found
