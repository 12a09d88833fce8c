"""Define the events that people cause: reviews, and changes of visibility."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from daydream_contracts.events.base import Message, derive_id


class ReviewRecorded(Message):
    """A person accepted or rejected a promoted hypothesis. Acceptance ends its quarantine."""

    verdict_id: str
    accepted: bool
    who: str = Field(min_length=1)
    note: str = ""
    recorded_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("review", self.verdict_id, self.who, str(self.accepted))


class VisibilityChanged(Message):
    """A person hid facts and all their descendants, or made them active again."""

    fact_ids: tuple[str, ...] = Field(min_length=1)
    active: bool
    who: str = Field(min_length=1)
    why: str = ""
    changed_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id(
            "visibility", *self.fact_ids, str(self.active), self.changed_at.isoformat()
        )
