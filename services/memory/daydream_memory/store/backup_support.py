"""The optional part of a store: copies of it while it runs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from daydream_contracts.events import VerdictReached


@dataclass(frozen=True)
class BackupContents:
    """What a copy holds. `context` is what the service stored with it."""

    facts: int
    verdicts: int
    context: Mapping[str, object]


class BackupSupport(Protocol):
    """Optional part: copies of the whole store while it runs.

    A verified copy at `staged` replaces the store at the next start. It is another generation then.
    """

    @property
    def staged(self) -> Path:
        """Path of the copy that replaces the store."""

    async def write_copy(self, target: Path, context: Mapping[str, object]) -> BackupContents:
        """Write a consistent copy to this file."""

    def read_contents(self, copy: Path) -> BackupContents:
        """Check a copy and return what it holds. Raise PermanentError for an unusable file."""

    async def restored_context(self) -> Mapping[str, object] | None:
        """Return the context of the backup that this store was restored from.

        None: it was not restored, or `finish_restore` was called since.
        """

    async def erase_again(self) -> None:
        """Erase what was erased in the store that this one replaced."""

    def replaced_verdicts(self) -> AsyncIterator[VerdictReached]:
        """Yield the verdicts that only the store has which this one replaced, in their order.

        Their messages may be gone: an erasure deletes those with its texts.
        """

    async def finish_restore(self) -> None:
        """Mark the restored store as complete and delete the one that it replaced."""
