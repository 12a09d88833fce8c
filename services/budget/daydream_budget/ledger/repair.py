"""Show unreadable messages of the ledger, and void them. See `chain` for what a void is.

A void forgets what the message may have spent, so it is refused where the message can be restored:
when the mirror holds other bytes of it, or of the message before it.
"""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import Literal

from nats.js import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from daydream_budget.ledger import archive
from daydream_budget.ledger.broker_clock import BrokerClock
from daydream_budget.ledger.chain import (
    LedgerMessage,
    UnreadableMessageError,
    digest_of,
    parse,
)
from daydream_budget.ledger.controls import void_id
from daydream_budget.ledger.entries import COMMIT, Commit, MessageVoided
from daydream_budget.ledger.stream_end import RESTORE
from daydream_budget.ledger.tail import LedgerTail
from daydream_contracts.rpc import LedgerRepair, Refusal, RepairLedger, UnreadableMessage
from daydream_contracts.topology import LEDGER, LEDGER_MIRROR, LEDGER_SUBJECT
from daydream_runtime.broker_errors import is_wrong_sequence

SHOWN_BYTES = 200
UNREADABLE_MAX = 1000  # shown, and voided, in one repair


@dataclass(frozen=True)
class LedgerSurvey:
    """The unreadable messages from the first one on, and the end of the stream."""

    unreadable: tuple[UnreadableMessage, ...]
    last_sequence: int
    last_digest: str


async def repair(
    tail: LedgerTail, clock: BrokerClock, by: str, request: RepairLedger
) -> LedgerRepair:
    """Show the unreadable messages, and void those that the request names. Then read on.

    The repair is appended at the end of the stream. It is not decided on the state, which ends
    before the unreadable message.
    """
    await tail.catch_up()
    if tail.unreadable is None:
        return _nothing_unreadable(tail, request)
    current = await survey(tail.projection.js, tail.unreadable)
    entries = voids(request, current)
    refusal = entries if isinstance(entries, Refusal) else None
    if isinstance(entries, tuple) and entries:
        refusal = clock.refusal or await _append(tail, clock, by, entries, current)
    voided = {row.sequence for row in request.void} if refusal is None else set()
    return LedgerRepair(
        unreadable=tuple(row for row in current.unreadable if row.sequence not in voided),
        voided=len(voided),
        refusal=refusal,
        last_sequence=tail.position.sequence,
    )


async def _append(
    tail: LedgerTail,
    clock: BrokerClock,
    by: str,
    entries: tuple[MessageVoided, ...],
    current: LedgerSurvey,
) -> Refusal | None:
    """Append a repair. Return why that failed, or None."""
    at = max(clock.now(), tail.projection.state.at or clock.now())
    commit = Commit(previous=current.last_digest, at=at, by=by, entries=entries)
    try:
        await tail.publish(COMMIT.dump_json(commit), current.last_sequence)
    except APIError as error:
        if not is_wrong_sequence(error):
            raise
        return _refusal("The ledger has grown meanwhile. Look at it again, then repeat the repair.")
    await tail.catch_up()
    return None


def _nothing_unreadable(tail: LedgerTail, request: RepairLedger) -> LedgerRepair:
    """Return the reply while all is readable: what is requested was voided before, or is refused.

    Only a repeated request, or a late one, names messages then.
    """
    last_sequence = tail.position.sequence
    for row in request.void:
        if void_id(row.sequence, row.digest) not in tail.projection.state.controls.changes:
            text = f"Message {row.sequence} is readable, so it is not voided."
            return LedgerRepair(refusal=_refusal(text), last_sequence=last_sequence)
    return LedgerRepair(voided=len(request.void), last_sequence=last_sequence)


async def survey(js: JetStreamContext, first: UnreadableMessageError) -> LedgerSurvey:
    """Read from the first unreadable message to the end of the stream.

    Of the messages behind the first one, only those are found that are unreadable whatever the
    state is. Others show themselves in the next survey.
    """
    unreadable = [await _describe(js, first)]
    last_sequence, last_digest = first.message.sequence, first.message.digest
    async with aclosing(archive.messages(js, last_sequence)) as messages:
        async for message in messages:
            try:
                parse(message, last_digest)
            except UnreadableMessageError as error:
                if len(unreadable) < UNREADABLE_MAX:
                    unreadable.append(await _describe(js, error))
            last_sequence, last_digest = message.sequence, message.digest
    return LedgerSurvey(tuple(unreadable), last_sequence, last_digest)


def voids(request: RepairLedger, current: LedgerSurvey) -> tuple[MessageVoided, ...] | Refusal:
    """Return the entries that void what was requested, or why that is refused."""
    unreadable = {(row.sequence, row.digest): row for row in current.unreadable}
    for requested in request.void:
        row = unreadable.get((requested.sequence, requested.digest))
        if row is None:
            return _refusal(
                f"Message {requested.sequence} is readable, or has other bytes now, "
                "so it is not voided."
            )
        if RESTORE in row.problem:
            return _refusal(f"Message {row.sequence} can't be voided: {row.problem}.")
        if row.mirror == "differs":
            return _refusal(
                f"The mirror has other bytes of message {row.sequence} or of the one before it. "
                "Restore the LEDGER stream from its mirror or a backup instead of voiding it."
            )
    return tuple(
        MessageVoided(
            sequence=requested.sequence,
            digest=requested.digest,
            who=request.who,
            why=request.why,
        )
        for requested in request.void
    )


def _refusal(text: str) -> Refusal:
    return Refusal(reason="invalid-change", text=text)


async def _describe(js: JetStreamContext, error: UnreadableMessageError) -> UnreadableMessage:
    message = error.message
    beginning = message.data[:SHOWN_BYTES].decode("utf-8", errors="backslashreplace")
    return UnreadableMessage(
        sequence=message.sequence,
        digest=message.digest,
        stored_at=message.stored_at,
        size_bytes=len(message.data),
        beginning=beginning,
        problem=error.problem,
        mirror=await _compare_mirror(js, message),
    )


async def _compare_mirror(
    js: JetStreamContext, message: LedgerMessage
) -> Literal["same", "differs", "missing"]:
    mirrored = await _digest(js, LEDGER_MIRROR, message.sequence)
    if mirrored is None:
        return "missing"
    before = message.sequence - 1
    same_before = await _digest(js, LEDGER_MIRROR, before) == await _digest(js, LEDGER, before)
    return "same" if mirrored == message.digest and same_before else "differs"


async def _digest(js: JetStreamContext, stream: str, sequence: int) -> str | None:
    """Return the digest of a message, or None if the stream does not have it."""
    if sequence < 1:
        return None
    try:
        stored = await js.get_msg(stream, seq=sequence)
    except NotFoundError:
        return None
    return digest_of(stored.data or b"") if stored.subject == LEDGER_SUBJECT else None
