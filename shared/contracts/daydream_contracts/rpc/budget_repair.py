"""Show and void messages of the ledger's stream that are no valid commits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from daydream_contracts.events import ContractModel
from daydream_contracts.rpc.budget import Refusal

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class MessageToVoid(ContractModel):
    """A message of the ledger's stream, by its place and the SHA-256 of its bytes."""

    sequence: int = Field(ge=1)
    digest: Sha256


class RepairLedger(ContractModel):
    """Show the unreadable messages, and void those that are named. Repeating it is harmless."""

    void: tuple[MessageToVoid, ...] = Field(default=(), max_length=1000)
    who: str = Field(default="", max_length=200)
    why: str = Field(default="", max_length=2000)


class UnreadableMessage(ContractModel):
    """A message that stops all grants. `mirror`: whether the mirror has the same bytes there."""

    sequence: int
    digest: Sha256
    stored_at: datetime
    size_bytes: int
    beginning: str = Field(description="its first 200 bytes")
    problem: str
    mirror: Literal["same", "differs", "missing"]


class LedgerRepair(ContractModel):
    """The messages that are still unreadable, and how many are voided now, or why none is."""

    unreadable: tuple[UnreadableMessage, ...] = ()
    voided: int = 0
    refusal: Refusal | None = None
    last_sequence: int
