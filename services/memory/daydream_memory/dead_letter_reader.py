"""Handle a verdict again that became a dead letter here, when a person asks for it.

No other service may publish a verdict than those that judge, so the console does not send it again.
The memory reads it from the stream of dead letters. Only the memory writes the subject there, so
the text is what a judge had published.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import ValidationError

from daydream_contracts.dead_letters import dead_letter_subject
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import Message, VerdictReached
from daydream_contracts.rpc import DeadLetterRead, ReadAgain
from daydream_contracts.topology import route_of
from daydream_memory.verdict_writer import VerdictWriter

STREAM = "DEADLETTERS"
SUBJECT = dead_letter_subject(route_of(VerdictReached).stream)


@dataclass(frozen=True)
class DeadLetterReader:
    """Read dead letters of verdicts, and store what they hold."""

    js: JetStreamContext
    writer: VerdictWriter
    publish: Callable[[Message], Awaitable[None]]

    async def read(self, request: ReadAgain) -> DeadLetterRead:
        """Store the verdict and publish its insight, as its delivery would have. Idempotent.

        Raise PermanentError if it is no dead letter of a verdict, or can't be read.
        """
        verdict = await self._verdict(request.number)
        for insight in await self.writer.write_verdict(verdict):
            await self.publish(insight)
        return DeadLetterRead(verdict_id=verdict.verdict_id)

    async def _verdict(self, number: int) -> VerdictReached:
        try:
            letter = await self.js.get_msg(STREAM, seq=number)
        except NotFoundError:
            raise PermanentError("unknown", f"no dead letter {number} exists") from None
        if letter.subject != SUBJECT:
            raise PermanentError("no-verdict", f"dead letter {number} is no verdict")
        try:
            return VerdictReached.model_validate_json(letter.data or b"")
        except ValidationError as error:
            text = f"dead letter {number} can't be read: {error.error_count()} invalid fields"
            raise PermanentError("invalid", text) from None
