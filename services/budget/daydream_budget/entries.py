"""What is written to the ledger. A commit is one stream message with the entries of everything that was decided together.

Entries are never changed or removed; a mistake is corrected by another entry. Amounts are nano-dollars.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from daydream_shared.requests import EnvelopePart, Window


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Opened(_Entry):
    """An envelope was opened: its bound is held for it under every limit."""

    kind: Literal["opened"] = "opened"
    envelope_id: str
    parts: tuple[EnvelopePart, ...]
    ways: int


class Grown(_Entry):
    """An envelope got more, and is open (again)."""

    kind: Literal["grown"] = "grown"
    envelope_id: str
    growth_id: str
    by_nanousd: int


class Drawn(_Entry):
    """The upper bound of one attempt was taken from the envelope, for one worker, until a time."""

    kind: Literal["drawn"] = "drawn"
    attempt_id: str
    envelope_id: str
    call_id: str
    nonce: str
    stage: str
    model: str
    team: str
    bound_nanousd: int
    until: datetime


class AttemptSettled(_Entry):
    """What the attempt cost; `unknown`: nobody said, so all that was drawn."""

    kind: Literal["settled"] = "settled"
    attempt_id: str
    cost_nanousd: int
    unknown: bool
    input_tokens: int | None = None
    output_tokens: int | None = None


class WayClosed(_Entry):
    """One way of the envelope has ended (None: all)."""

    kind: Literal["closed"] = "closed"
    envelope_id: str
    way: int | None


class Expired(_Entry):
    """Nobody touched the envelope for long: what is left flows back. It can grow again while it is remembered."""

    kind: Literal["expired"] = "expired"
    envelope_id: str


class LimitSet(_Entry):
    """Somebody set, changed or (None) removed a cap."""

    kind: Literal["limit"] = "limit"
    change_id: str
    window: Window
    cap_nanousd: int | None
    who: str
    why: str


Entry = Annotated[Opened | Grown | Drawn | AttemptSettled | WayClosed | Expired | LimitSet, Field(discriminator="kind")]


class Commit(BaseModel):
    """One message on the ledger stream. `at` never goes back from one commit to the next, whoever writes it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: Literal[1] = 1
    at: datetime
    by: str
    entries: tuple[Entry, ...]


COMMIT: TypeAdapter[Commit] = TypeAdapter(Commit)
