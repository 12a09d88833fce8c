"""Read the ledger's messages one after the other into a state."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field

from nats.js import JetStreamContext

from daydream_budget.ledger import archive
from daydream_budget.ledger.chain import (
    ChainPosition,
    LedgerMessage,
    UnreadableMessageError,
    fold,
    parse,
    voids_of,
)
from daydream_budget.ledger.state import LedgerState
from daydream_budget.ledger.stream_end import RESTORE
from daydream_contracts.errors import ConfigurationError


@dataclass
class VoidSearch:
    """Look ahead in the ledger for the void of an unreadable message.

    What was read once is not read again: `_read_until` is the last message that was looked at.
    """

    js: JetStreamContext
    _voids: dict[int, str] = field(default_factory=dict)
    _read_until: ChainPosition = field(default_factory=ChainPosition)

    async def is_voided(self, message: LedgerMessage) -> bool:
        """Return whether a later commit voids this message with these bytes."""
        if message.sequence >= self._read_until.sequence:
            self._read_until = ChainPosition(message.sequence, message.digest)
        if not self._has(message):
            await self._look_ahead(message)
        return self._has(message)

    def _has(self, message: LedgerMessage) -> bool:
        return self._voids.get(message.sequence) == message.digest

    async def _look_ahead(self, message: LedgerMessage) -> None:
        async with aclosing(archive.messages(self.js, self._read_until.sequence)) as messages:
            async for later in messages:
                self._take(later)
                if self._has(message):
                    return

    def _take(self, later: LedgerMessage) -> None:
        try:
            entries = voids_of(parse(later, self._read_until.digest))
            self._voids |= {entry.sequence: entry.digest for entry in entries}
        except UnreadableMessageError:
            pass  # it is judged when it is its turn
        self._read_until = ChainPosition(later.sequence, later.digest)


@dataclass
class LedgerProjection:
    """The state after the message at `position`, and how the next messages change it."""

    js: JetStreamContext
    state: LedgerState = field(default_factory=LedgerState)
    position: ChainPosition = field(default_factory=ChainPosition)

    def __post_init__(self) -> None:
        """Make the search for voids."""
        self._search = VoidSearch(self.js)

    async def take(self, message: LedgerMessage) -> None:
        """Apply the next message, or skip it if it is voided.

        Raise UnreadableMessageError, and change nothing, if it is neither.
        """
        try:
            commit = self.position.read(message)
            fold(self.state, commit, message)
        except UnreadableMessageError:
            if not await self._search.is_voided(message):
                raise
            self.position.skip(message)
        else:
            self.position.pass_commit(message.sequence, message.digest, commit)

    async def replay(self) -> None:
        """Apply everything after the position, from the archive and the stream.

        Raise UnreadableMessageError before an unreadable message. Raise ConfigurationError if
        messages are missing: what they spent is unknown, so nothing can be granted.
        """
        async with aclosing(archive.messages(self.js, self.position.sequence)) as messages:
            async for message in messages:
                if message.sequence != self.position.sequence + 1:
                    raise _missing(self.position.sequence + 1, message.sequence - 1)
                await self.take(message)


def _missing(first: int, last: int) -> ConfigurationError:
    return ConfigurationError(
        f"the ledger lacks commits {first} to {last}. "
        "What was spent in them is unknown, so nothing is granted",
        f"{RESTORE}, and its archive from a backup",
    )
