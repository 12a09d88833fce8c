"""Whether the end of the ledger's stream is whole.

A server that finds a damaged block after a crash cuts the stream there, and gives the lost
sequences to new messages. After an orderly stop it still counts the damaged messages, and answers
"no message found" for them. In both cases what was spent in them would be granted again.
"""

from __future__ import annotations

import asyncio

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError

from daydream_contracts.topology import LEDGER, LEDGER_MIRROR

READ_RETRY_S = 0.1
HIDDEN_READS = 10  # a cluster counts a message a moment before its leader returns it
RESTORE = "Restore the LEDGER stream from its mirror or a backup"


async def lost_end(js: JetStreamContext, known: int) -> str | None:
    """Return what is missing at the end of the ledger, or None.

    `known`: a sequence that existed. The mirror may know a later one.
    """
    # the mirror first: the ledger grows meanwhile
    mirror = (await js.stream_info(LEDGER_MIRROR)).state.last_seq
    last = (await js.stream_info(LEDGER)).state.last_seq
    expected = max(mirror, known)
    if last < expected:
        return f"the ledger ends at entry {last}, but entry {expected} existed"
    if last and not await _is_returned(js, last):
        return f"the broker counts entry {last} but does not return it, so it may be damaged"
    return None


async def _is_returned(js: JetStreamContext, sequence: int) -> bool:
    for _ in range(HIDDEN_READS):
        try:
            await js.get_msg(LEDGER, seq=sequence)
        except NotFoundError:
            await asyncio.sleep(READ_RETRY_S)
        else:
            return True
    return False
