"""Dead letters: messages that a service gave up on. Read them, and delete those that are settled.

A dead letter holds the bytes of the message. The message's reservation was released when it was
dead-lettered. `resend` sends one again.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from nats.js.errors import APIError, NotFoundError
from pydantic import ValidationError

from daydream_console.client import Client
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Message
from daydream_contracts.topology import ROUTES, MessageRoute
from daydream_runtime.stream_reader import RESEND, read_stream

STREAM = "DEADLETTERS"
NO_MESSAGE_FOUND = 10057  # JetStream's code when a message to delete does not exist
DEAD_LETTER_ID = re.compile(rf"(?P<id>.*?)(?:{RESEND}(?P<resends>\d+))?:dead")


@dataclass(frozen=True)
class DeadLetter:
    """A stored dead letter.

    `message_id` is the id under which the message was first sent. `resends` counts how often it was
    sent again before it failed this time.
    """

    sequence: int
    failed_at: datetime
    subject: str
    consumer: str
    reason: str
    error: str
    deliveries: int
    message_id: str
    resends: int
    data: bytes

    @property
    def route(self) -> MessageRoute | None:
        """Return the message's class and stream, or None for a subject that this version does not
        know.
        """
        return next((route for route in ROUTES if route.subject == self.subject), None)

    def message(self) -> Message:
        """Parse the message. Raise ConfigurationError where this version can't read it."""
        if self.route is None:
            raise ConfigurationError(
                f"dead letter {self.sequence} has the unknown subject {self.subject!r}",
                "Upgrade daydream, or drop the dead letter",
            )
        try:
            return self.route.message.model_validate_json(self.data)
        except ValidationError as error:
            raise ConfigurationError(
                f"dead letter {self.sequence} can't be read: {error.error_count()} invalid fields",
                "Upgrade daydream if a newer version wrote it; otherwise drop the dead letter",
            ) from None


async def dead_letters(client: Client) -> AsyncIterator[DeadLetter]:
    """Yield all dead letters, oldest first.

    They may be many, and each holds a message, so read one by one.
    """
    state = (await client.js.stream_info(STREAM)).state
    async for sequence, message in read_stream(
        client.js, STREAM, max(0, state.first_seq - 1), state.last_seq, gaps=True
    ):
        yield _read(sequence, message.metadata.timestamp, message.headers or {}, message.data)


async def dead_letter(client: Client, number: int) -> DeadLetter:
    """Return the dead letter with this number. Raise ConfigurationError if it does not exist."""
    try:
        message = await client.js.get_msg(STREAM, seq=number)
    except NotFoundError:
        raise ConfigurationError(
            f"no dead letter {number} exists", "List them: daydream dead-letters list"
        ) from None
    failed_at = message.time or datetime.now(UTC)
    return _read(number, failed_at, message.headers or {}, message.data or b"")


async def drop(client: Client, letter: DeadLetter) -> None:
    """Delete a dead letter. Do nothing if another client has deleted it already."""
    try:
        await client.js.delete_msg(STREAM, letter.sequence)
    except APIError as error:  # nats-py has no separate class for it
        if error.err_code != NO_MESSAGE_FOUND:
            raise


def _read(
    sequence: int, failed_at: datetime, headers: Mapping[str, str], data: bytes
) -> DeadLetter:
    # The id of a dead letter is stream:consumer:id of the message.
    id_parts = headers.get("Nats-Msg-Id", "").split(":", 2)
    original = DEAD_LETTER_ID.fullmatch(id_parts[2]) if len(id_parts) == 3 else None
    return DeadLetter(
        sequence=sequence,
        failed_at=failed_at,
        subject=headers.get("Daydream-Subject", ""),
        consumer=headers.get("Daydream-Consumer", ""),
        reason=headers.get("Daydream-Reason", ""),
        error=headers.get("Daydream-Error", ""),
        deliveries=int(headers.get("Daydream-Deliveries") or 0),
        message_id=original["id"] if original else str(sequence),
        resends=int(original["resends"] or 0) if original else 0,
        data=data,
    )
