"""Dead letters: list, show, send again, drop."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field

from daydream_console.dead_letters import STREAM, DeadLetter, dead_letter, drop
from daydream_console.readable_errors import readable
from daydream_console.resend import resend
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import (
    ConsoleServices,
    Reader,
    Services,
    Writer,
    record_command,
)
from daydream_contracts.errors import ConfigurationError

router = APIRouter(tags=["dead letters"], route_class=ApiRoute, responses=WRITE_PROBLEMS)
NUMBER_MAX = (1 << 53) - 1
SCANNED_MAX = 2000
MESSAGE_CHARS = 100_000
REASONS = {
    "invalid": "The message can't be read: another version wrote it, or it is damaged",
    "bug": "The program failed in a way that is a bug",
    "failed-too-often": "It failed five times in a row",
    "worker-died": "Workers crashed or fell silent over it",
}
Number = Annotated[int, Path(ge=1, le=NUMBER_MAX)]


class LetterSummary(BaseModel):
    """A message that a service gave up on. `meaning` is the reason in plain words."""

    number: int
    failed_at: datetime
    subject: str
    consumer: str
    reason: str
    meaning: str
    error: str
    deliveries: int
    resends: int
    message_id: str


class LetterPage(BaseModel):
    """Dead letters, the latest first. `next_cursor` is empty on the last page."""

    letters: list[LetterSummary]
    total: int
    next_cursor: str = ""


class LetterDetail(LetterSummary):
    """A dead letter with the message."""

    message: str = Field(description="the message as JSON text")


@router.get("/dead-letters")
async def list_dead_letters(
    services: Services,
    _: Reader,
    cursor: Annotated[str, Query(pattern=r"^[0-9]{0,15}$")] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> LetterPage:
    """List dead letters, the latest first."""
    return await letters_page(services, int(cursor or 0), limit)


async def letters_page(services: ConsoleServices, before: int, limit: int) -> LetterPage:
    """Return the letters before a number, or the latest."""
    state = (await services.client.js.stream_info(STREAM)).state
    number = min(before - 1, state.last_seq) if before else state.last_seq
    letters: list[LetterSummary] = []
    lowest = max(state.first_seq, number - SCANNED_MAX, 1)
    while number >= lowest and len(letters) < limit:
        with contextlib.suppress(ConfigurationError):  # dropped, or sent again
            letters.append(summary_of(await dead_letter(services.client, number)))
        number -= 1
    remains = letters and number >= max(1, state.first_seq) and len(letters) == limit
    cursor = str(letters[-1].number) if remains else ""
    return LetterPage(letters=letters, total=state.messages, next_cursor=cursor)


@router.get("/dead-letters/{number}")
async def get_dead_letter(number: Number, services: Services, _: Reader) -> LetterDetail:
    """Return a dead letter with its message."""
    return detail_of(await letter_of(services, number))


@router.post("/dead-letters/{number}/resend")
async def resend_dead_letter(
    number: Number, request: Request, services: Services, who: Writer
) -> LetterSummary:
    """Send the message again, with a new reservation for the rest of its processing."""
    letter = await letter_of(services, number)
    await record_command(request, who, about=letter.message_id)
    refusal = await resend(services.client, letter)
    if refusal is not None:
        raise ProblemError(409, "not-sent", refusal, "Solve this first, then send it again")
    return summary_of(letter)


@router.delete("/dead-letters/{number}")
async def drop_dead_letter(
    number: Number, request: Request, services: Services, who: Writer
) -> LetterSummary:
    """Delete a dead letter for good."""
    letter = await letter_of(services, number)
    await record_command(request, who, about=letter.message_id)
    await drop(services.client, letter)
    return summary_of(letter)


async def letter_of(services: ConsoleServices, number: int) -> DeadLetter:
    """Return a dead letter. Raise the problem 404 if it does not exist."""
    try:
        return await dead_letter(services.client, number)
    except ConfigurationError as error:
        raise ProblemError(404, "unknown-dead-letter", error.problem, error.fix) from None


def summary_of(letter: DeadLetter) -> LetterSummary:
    """Return what a list shows of a dead letter."""
    return LetterSummary(
        number=letter.sequence,
        failed_at=letter.failed_at,
        subject=letter.subject,
        consumer=letter.consumer,
        reason=letter.reason,
        meaning=REASONS.get(letter.reason, "The service refused it for good"),
        error=readable(letter.error),
        deliveries=letter.deliveries,
        resends=letter.resends,
        message_id=letter.message_id,
    )


def detail_of(letter: DeadLetter) -> LetterDetail:
    """Return a dead letter with its message."""
    message = letter.data.decode(errors="replace")[:MESSAGE_CHARS]
    return LetterDetail(**summary_of(letter).model_dump(), message=message)
