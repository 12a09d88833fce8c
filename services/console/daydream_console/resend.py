"""Send a dead letter's message again, with a new reservation for the rest of its processing.

Only critic and oracle may publish verdicts. The memory reads a dead letter of a verdict itself.

Steps: reserve, if the rest costs money → publish the message into its stream, under its id with
`:resend:<n>` → delete the dead letter. Killed between two steps, the same command starts over: the
reservation has a derived id, handlers accept a message twice, and a paid answer is found in the
response store. If the message fails again, that is a dead letter with the next number. Projections
of the verdicts leave resent messages out, because the stream already holds them.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from nats.js.errors import APIError

from daydream_console.client import Client
from daydream_console.dead_letters import DeadLetter, drop
from daydream_console.rejudge import allocations
from daydream_contracts.buckets import PLANS
from daydream_contracts.dead_letters import READ_AGAIN
from daydream_contracts.errors import ConfigurationError, DaydreamError
from daydream_contracts.events import (
    CandidateNominated,
    HypothesisProposed,
    Message,
    PairSampled,
    derive_id,
)
from daydream_contracts.rpc import OpenReservation, Purpose, ReadAgain
from daydream_contracts.topology import BUDGET_OPEN, MEMORY_READ_AGAIN
from daydream_models.stage_plans import ORACLE, read_plans
from daydream_runtime.stream_reader import RESEND

WRITER = "synthesizer"
STAGES = (WRITER, "critic")  # of a pair that names no stages


async def resend(client: Client, letter: DeadLetter) -> str | None:
    """Send the message again.

    Return None on success, or why it can't be sent now: the budget refuses, or the stream is full.
    Raise ConfigurationError where it can't be sent as it is.
    """
    if isinstance(letter.message(), READ_AGAIN):
        return await _read_again(client, letter)
    number = letter.resends + 1
    message, reservation = await _with_reservation(
        client, letter.message(), derive_id("resend", letter.message_id, number)
    )
    if reservation is not None:
        grant = await client.rpc.request(BUDGET_OPEN, reservation)
        if grant.refusal is not None:
            return grant.refusal.text
    assert letter.route is not None, "message() raises for an unknown subject"
    try:
        await client.js.publish(
            letter.subject,
            message.model_dump_json().encode(),
            headers={"Nats-Msg-Id": f"{letter.message_id}{RESEND}{number}"},
            stream=letter.route.stream,
        )
    except APIError as error:
        stream = letter.route.stream
        return f"{stream} does not accept it ({error.description}). Try again when it is less full"
    await drop(client, letter)
    return None


async def _read_again(client: Client, letter: DeadLetter) -> str | None:
    """Let the memory handle its dead letter, then delete it. Return why it can't be handled."""
    try:
        await client.rpc.request(MEMORY_READ_AGAIN, ReadAgain(number=letter.sequence))
    except DaydreamError as error:
        return str(error)
    await drop(client, letter)
    return None


async def _with_reservation(
    client: Client, message: Message, reservation_id: str
) -> tuple[Message, OpenReservation | None]:
    """Return the message with a new reservation id and the request for it; (message, None) where
    the rest is free.
    """
    match message:
        case PairSampled():
            stages = message.stages or STAGES
            request = await _request(
                client, message, stages, message.samples, "daydream", reservation_id
            )
            return message.model_copy(update={"reservation_id": reservation_id}), request
        case HypothesisProposed():
            stages = tuple(stage for stage in message.pair.stages or STAGES if stage != WRITER)
            purpose = _purpose(message.round)
            request = await _request(client, message.pair, stages, 1, purpose, reservation_id)
            return _move(message, reservation_id), request
        case CandidateNominated(verdict=verdict):
            hypothesis = verdict.hypothesis
            purpose = _purpose(verdict.round)
            request = await _request(client, hypothesis.pair, (ORACLE,), 1, purpose, reservation_id)
            moved = verdict.model_copy(update={"hypothesis": _move(hypothesis, reservation_id)})
            return message.model_copy(update={"verdict": moved}), request
    return message, None


def _purpose(judging_round: int) -> Purpose:
    return "daydream" if judging_round == 1 else "rejudging"


def _move(hypothesis: HypothesisProposed, reservation_id: str) -> HypothesisProposed:
    pair = hypothesis.pair.model_copy(update={"reservation_id": reservation_id})
    return hypothesis.model_copy(update={"pair": pair})


async def _request(
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
            f"{', '.join(missing)} has not published its cost yet", "Start it: daydream up"
        )
    return OpenReservation(
        reservation_id=reservation_id,
        allocations=allocations(pair, stages, plans, samples),
        branches=samples,
        purpose="canary" if pair.canary else purpose,
        requested_at=datetime.now(UTC),
    )
