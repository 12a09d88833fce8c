"""Requests to the memory service that erase, back up and restore, and their replies."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from daydream_contracts.events import ContractModel


class Erase(ContractModel):
    """Erase documents (by their sources) and facts (by their ids).

    Their texts, titles, sources and vectors go. Verdicts about them stay, without their texts. With
    `derived`, the hypotheses about them go too.
    """

    sources: tuple[str, ...] = ()
    fact_ids: tuple[str, ...] = ()
    derived: bool = False
    who: str = Field(min_length=1)
    why: str = ""
    requested_at: datetime


class Erased(ContractModel):
    """What was erased, and what is out of reach."""

    facts: int
    verdicts: int = Field(description="stored verdicts that held the facts")
    insights_retracted: tuple[str, ...] = Field(
        description="ids of insights that descend from them; they are hidden now"
    )
    messages: dict[str, int] = Field(description="deleted messages that held the texts, by stream")
    out_of_reach: tuple[str, ...]


class BackUp(ContractModel):
    """Make a consistent copy of the memory in the object store, while the memory runs."""

    backup_id: str


class BackedUp(ContractModel):
    """The name of the copy in the object store, and what it holds."""

    object_name: str
    size_bytes: int
    sha256: str
    facts: int
    verdicts: int
    made_at: datetime


class RestoreBackup(ContractModel):
    """Replace the memory with this copy from the object store."""

    object_name: str
    sha256: str
    who: str


class Restored(ContractModel):
    """What the restored copy holds, and when it was made.

    `replayed`: verdicts, reviews and retractions since then that are taken in again. `lost`: those
    that are no longer in the streams.
    """

    facts: int
    verdicts: int
    made_at: datetime
    replayed: int
    lost: int


class ReadAgain(ContractModel):
    """Ask the memory to handle its dead letter again, by the number in DEADLETTERS."""

    number: int = Field(ge=1)


class DeadLetterRead(ContractModel):
    """Say that the memory has handled it: which verdict it was."""

    verdict_id: str
