"""Name the subjects of dead letters, and say who handles one again when a person asks for it."""

from __future__ import annotations

from daydream_contracts.events import Message, VerdictReached
from daydream_contracts.topology import DEAD_LETTER_PREFIX, Consumer

# A consumer reads dead letters of these itself, on request: no one else may publish them.
READ_AGAIN: tuple[type[Message], ...] = (VerdictReached,)


def dead_letter_subject(stream: str) -> str:
    """Return the subject of the dead letters of a stream."""
    return f"{DEAD_LETTER_PREFIX}.{stream.lower()}"


def is_resent(consumer: Consumer) -> bool:
    """Return True if the console publishes this consumer's dead letters again."""
    return consumer.message not in READ_AGAIN
