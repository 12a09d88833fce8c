"""The ledger's messages as a hash chain, and which of them are commits.

    message 1 ◀─ digest ─ message 2 ◀─ digest ─ message 3 …

Each commit carries the SHA-256 of the message before it, of the bytes as they are stored; the first
carries an empty one. So a changed byte or a replaced message breaks the chain at its successor.

A message that is no valid commit is *unreadable*: garbage, wrong fields, a broken chain, a time in
the future, or an entry that does not follow from the state. Nothing after it is applied, until a
repair voids it. The repair is a commit of `MessageVoided` entries, later in the stream. It names
sequence and digest, so that it voids exactly these bytes. Its digest stays in the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from pydantic import ValidationError

from daydream_budget.ledger.entries import COMMIT, Commit, MessageVoided
from daydream_budget.ledger.state import LedgerState

AHEAD_MAX = timedelta(minutes=1)  # of the broker's clock; a replica refuses to commit much earlier


@dataclass(frozen=True)
class LedgerMessage:
    """One message of the ledger's stream. `stored_at` is the broker's time."""

    sequence: int
    data: bytes
    stored_at: datetime

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of its bytes."""
        return digest_of(self.data)


class UnreadableMessageError(Exception):
    """A message of the ledger's stream is no valid commit. `problem` is a clause."""

    def __init__(self, message: LedgerMessage, problem: str) -> None:
        super().__init__(f"message {message.sequence} of the ledger is unreadable: {problem}")
        self.message = message
        self.problem = problem


@dataclass
class ChainPosition:
    """The place up to which the ledger was read.

    `digest` is that of the message at `sequence`. `skipped` holds the voided messages before it
    whose void comes after it: sequence → digest.
    """

    sequence: int = 0
    digest: str = ""
    skipped: dict[int, str] = field(default_factory=dict)

    def read(self, message: LedgerMessage) -> Commit:
        """Return the commit of the next message. Raise UnreadableMessageError if it is none."""
        commit = parse(message, self.digest)
        for entry in voids_of(commit):
            if self.skipped.get(entry.sequence) != entry.digest:
                problem = f"it voids message {entry.sequence}, which is readable or not the same"
                raise UnreadableMessageError(message, problem)
        return commit

    def pass_commit(self, sequence: int, digest: str, commit: Commit) -> None:
        """Go past a commit that was applied."""
        for entry in voids_of(commit):
            self.skipped.pop(entry.sequence, None)
        self.sequence, self.digest = sequence, digest

    def skip(self, message: LedgerMessage) -> None:
        """Go past a voided message."""
        self.skipped[message.sequence] = message.digest
        self.sequence, self.digest = message.sequence, message.digest


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of a message's bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def parse(message: LedgerMessage, previous: str) -> Commit:
    """Return the commit in a message that follows the message with the digest `previous`.

    Raise UnreadableMessageError if it is none, whatever the state of the ledger is.
    """
    try:
        commit = COMMIT.validate_json(message.data)
    except ValidationError as error:
        raise UnreadableMessageError(message, _first_error(error)) from None
    if commit.previous != previous:
        problem = "it does not follow the message before it, so one of them was changed or forged"
        raise UnreadableMessageError(message, problem)
    if commit.at > message.stored_at + AHEAD_MAX:
        problem = f"its time is {commit.at - message.stored_at} ahead of the broker's clock"
        raise UnreadableMessageError(message, problem)
    if 0 < len(list(voids_of(commit))) < len(commit.entries):
        raise UnreadableMessageError(message, "it voids messages and has other entries as well")
    return commit


def fold(state: LedgerState, commit: Commit, message: LedgerMessage) -> None:
    """Apply the commit of a message, or nothing. Raise UnreadableMessageError if it does not fit.

    An entry can fail in any way: nothing says that this version of the program wrote it.
    """
    _apply(state, commit, message)
    state.finish_commit(commit.at)


def check_fold(state: LedgerState, commit: Commit, message: LedgerMessage) -> None:
    """Raise UnreadableMessageError if the commit of a message does not fit. Change nothing."""
    _apply(state, commit, message)
    state.undo_log.rollback()


def _apply(state: LedgerState, commit: Commit, message: LedgerMessage) -> None:
    """Try the entries. They are rolled back if one fails, and can be rolled back if none does."""
    state.undo_log.begin()
    try:
        for entry in commit.entries:
            state.apply(entry, commit.at)
    except Exception as error:
        state.undo_log.rollback()
        problem = f"an entry does not follow from what is before it ({error!r})"
        raise UnreadableMessageError(message, problem) from error


def voids_of(commit: Commit) -> Iterator[MessageVoided]:
    """Yield the entries that void a message."""
    return (entry for entry in commit.entries if isinstance(entry, MessageVoided))


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    where = f"{place}: " if place else ""
    return f"it is no commit of this version ({where}{first['msg']})"
