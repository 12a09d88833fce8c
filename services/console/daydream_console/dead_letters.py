"""Messages that a service gave up on: what they are and why, and once more, after what was wrong is fixed.

A dead letter holds the bytes of a message; its reservation is closed. To replay it: a reservation for the rest of its way, if that costs money (its id is
derived, so a second try opens none) → the message into its stream, under its id with `:replay:<n>` → the dead letter is deleted. Killed in between, the same
again: handlers bear a message twice, and a model's answer that was paid is found, not bought. If it dies again, that is a dead letter with the next number.
Folds of the verdicts leave replays out: what is replayed is in the stream already.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js.errors import APIError, NotFoundError
from pydantic import ValidationError

from daydream_console.client import Client
from daydream_console.rejudge import parts_of
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    CandidateNominated,
    HypothesisProposed,
    Message,
    PairSampled,
    derive_id,
)
from daydream_contracts.rpc import OpenReservation, Purpose
from daydream_contracts.topology import BUDGET_OPEN, PLANS, ROUTES, MessageRoute
from daydream_models.reservations import ORACLE, read_plans
from daydream_runtime.stream_reader import REPLAY, read_stream

STREAM = "DEADLETTERS"
WRITER = "synthesizer"
STAGES = (WRITER, "critic")  # of pairs of older versions, which do not say
AGAIN = re.compile(rf"(?P<id>.*?)(?:{REPLAY}(?P<turn>\d+))?:dead")


@dataclass(frozen=True)
class Reject:
    """`message_id`: of the message as it was first sent; `turn`: how often it was replayed before it died this time."""

    sequence: int
    died_at: datetime
    subject: str
    consumer: str
    reason: str
    error: str
    deliveries: int
    message_id: str
    turn: int
    data: bytes

    @property
    def flow(self) -> MessageRoute | None:
        """Its message and stream; None for a subject that this version does not know."""
        return next((flow for flow in ROUTES if flow.subject == self.subject), None)

    def message(self) -> Message:
        """Raises ConfigurationError where this version can't read it."""
        if self.flow is None:
            raise ConfigurationError(
                f"dead letter {self.sequence} came on {self.subject!r}, which this version does not know",
                "Upgrade, or leave it",
            )
        try:
            return self.flow.message.model_validate_json(self.data)
        except ValidationError as error:
            raise ConfigurationError(
                f"dead letter {self.sequence} can't be read: {error.error_count()} fields are wrong",
                "Upgrade, if a newer version wrote it; else leave it",
            ) from None


async def dead_letters(client: Client) -> AsyncIterator[Reject]:
    """All that wait, oldest first, one by one: they may be many, and each holds its message."""
    state = (await client.js.stream_info(STREAM)).state
    async for sequence, message in read_stream(
        client.js, STREAM, max(0, state.first_seq - 1), state.last_seq, gaps=True
    ):
        yield _read(sequence, message.metadata.timestamp, message.headers or {}, message.data)


async def dead_letter(client: Client, number: int) -> Reject:
    """The one with this number. ConfigurationError where there is none."""
    try:
        message = await client.js.get_msg(STREAM, seq=number)
    except NotFoundError:
        raise ConfigurationError(
            f"there is no dead letter {number}", "daydream dead list shows those that there are"
        ) from None
    return _read(
        number, message.time or datetime.now(UTC), message.headers or {}, message.data or b""
    )


def _read(sequence: int, died_at: datetime, headers: Mapping[str, str], data: bytes) -> Reject:
    of = headers.get("Nats-Msg-Id", "").split(":", 2)  # stream, consumer, and the message's own
    found = AGAIN.fullmatch(of[2]) if len(of) == 3 else None
    return Reject(
        sequence=sequence,
        died_at=died_at,
        subject=headers.get("Daydream-Subject", ""),
        consumer=headers.get("Daydream-Consumer", ""),
        reason=headers.get("Daydream-Reason", ""),
        error=headers.get("Daydream-Error", ""),
        deliveries=int(headers.get("Daydream-Deliveries") or 0),
        message_id=found["id"] if found else str(sequence),
        turn=int(found["turn"] or 0) if found else 0,
        data=data,
    )


async def replay(client: Client, dead: Reject) -> str | None:
    """Send it again. Why that can't be now, where there is no money for its way or no room in its stream; ConfigurationError where it can't be as it is."""
    turn = dead.turn + 1
    message, reservation = await _funded(
        client, dead.message(), derive_id("replay", dead.message_id, turn)
    )
    if reservation is not None:
        grant = await client.ask(BUDGET_OPEN, reservation)
        if grant.refusal is not None:
            return grant.refusal.text
    assert dead.flow is not None
    headers = {"Nats-Msg-Id": f"{dead.message_id}{REPLAY}{turn}"}
    try:
        await client.js.publish(
            dead.subject,
            message.model_dump_json().encode(),
            headers=headers,
            stream=dead.flow.stream,
        )
    except APIError as full:
        return f"{dead.flow.stream} does not take it ({full.description}): try again when less waits there"
    with contextlib.suppress(
        NotFoundError
    ):  # somebody else replayed it at the same moment, under the same id
        await client.js.delete_msg(STREAM, dead.sequence)
    return None


async def _funded(
    client: Client, message: Message, reservation_id: str
) -> tuple[Message, OpenReservation | None]:
    """The message with a new reservation, and what that one has to hold; as it is where its way costs nothing."""
    changed = {"reservation_id": reservation_id}
    match message:
        case PairSampled():
            return message.model_copy(update=changed), await _reservation(
                client,
                message,
                message.stages or STAGES,
                message.samples,
                "daydream",
                reservation_id,
            )
        case HypothesisProposed(pair=pair):
            stages = tuple(stage for stage in pair.stages or STAGES if stage != WRITER)
            purpose: Purpose = "daydream" if message.round == 1 else "rejudging"
            return message.model_copy(
                update={"pair": pair.model_copy(update=changed)}
            ), await _reservation(client, pair, stages, 1, purpose, reservation_id)
        case CandidateNominated(verdict=verdict):
            proposed = verdict.hypothesis
            own = proposed.model_copy(update={"pair": proposed.pair.model_copy(update=changed)})
            purpose = "daydream" if verdict.round == 1 else "rejudging"
            reservation = await _reservation(
                client, proposed.pair, (ORACLE,), 1, purpose, reservation_id
            )
            return message.model_copy(
                update={"verdict": verdict.model_copy(update={"hypothesis": own})}
            ), reservation
    return message, None


async def _reservation(
    client: Client,
    pair: PairSampled,
    stages: Collection[str],
    samples: int,
    purpose: Purpose,
    reservation_id: str,
) -> OpenReservation:
    plans = await read_plans(await client.js.key_value(PLANS.name), list(stages))
    if missing := [stage for stage in stages if stage not in plans]:
        raise ConfigurationError(
            f"{', '.join(missing)} has not said yet what it costs", "Start it: daydream up"
        )
    parts = parts_of(pair, stages, plans, samples)
    return OpenReservation(
        reservation_id=reservation_id,
        allocations=parts,
        branches=samples,
        purpose="canary" if pair.canary else purpose,
        requested_at=datetime.now(UTC),
    )
