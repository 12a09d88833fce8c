"""Define the events that people cause: reviews, outcomes, and changes of visibility."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from daydream_contracts.events.base import Message, derive_id


class ReviewEffect(StrEnum):
    """Name what a review does besides being a label, so that an undo can restore it.

    `promoted`: it makes the hypothesis a fact. `withdrawn`: an undone acceptance, whose fact is
    hidden; the hypothesis has the state of its verdict again.
    """

    NONE = "none"
    PROMOTED = "promoted"
    RETRACTED = "retracted"
    REINSTATED = "reinstated"
    WITHDRAWN = "withdrawn"


class ReviewRecorded(Message):
    """A person accepted or rejected a promoted hypothesis. Acceptance ends its quarantine.

    The last review of a verdict holds, so a reversed one is sent with a later time. An undo is a
    review too: it repeats the one before, or says that none holds.
    """

    verdict_id: str
    accepted: bool | None = Field(description="None: no review holds any more, after an undo")
    who: str = Field(min_length=1)
    note: str = ""
    recorded_at: datetime
    effect: ReviewEffect = ReviewEffect.NONE
    undoes: str = Field(default="", description="id of the review that this one undoes")

    @property
    def message_id(self) -> str:
        return derive_id(
            "review",
            self.verdict_id,
            self.who,
            str(self.accepted),
            self.recorded_at.isoformat(),
        )


class TrialResult(StrEnum):
    """Name what came out when somebody tried the test that a hypothesis implies."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


class OutcomeRecorded(Message):
    """A person tried the test of a hypothesis. It is the strongest label, above reviews."""

    verdict_id: str
    result: TrialResult
    who: str = Field(min_length=1)
    note: str = ""
    link: str = Field(default="", description="where the work is described: an http or https URL")
    recorded_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("outcome", self.verdict_id, self.who, self.recorded_at.isoformat())


class VisibilityChanged(Message):
    """Facts and all their descendants were hidden, or made active again.

    With `merged_into`, only the facts themselves: that fact says the same, and it stays active.
    """

    fact_ids: tuple[str, ...] = Field(min_length=1)
    active: bool
    merged_into: str = Field(default="", description="id of the fact that stands for them now")
    who: str = Field(min_length=1)
    why: str = ""
    changed_at: datetime

    @property
    def message_id(self) -> str:
        merged = (self.merged_into,) if self.merged_into else ()
        return derive_id(
            "visibility", *self.fact_ids, str(self.active), self.changed_at.isoformat(), *merged
        )
