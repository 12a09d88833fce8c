"""Define the events that tell other systems about insights."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from daydream_contracts.events.base import Message, derive_id
from daydream_contracts.events.facts import Fact
from daydream_contracts.events.verdicts import VerdictReached


class InsightPromoted(Message):
    """A hypothesis was promoted, and became an active fact."""

    insight_id: str
    fact: Fact
    verdict: VerdictReached
    ancestry: tuple[str, ...] = Field(
        description="ids of all facts it descends from, parents first"
    )
    promoted_at: datetime

    @property
    def message_id(self) -> str:
        return self.insight_id


class InsightRetracted(Message):
    """An insight was hidden: it, or a fact that it descends from, was retracted."""

    insight_id: str
    fact: Fact
    who: str
    why: str = ""
    retracted_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("retracted", self.insight_id, self.retracted_at.isoformat())


class InsightReinstated(Message):
    """A retracted insight is active again."""

    insight_id: str
    fact: Fact
    who: str
    why: str = ""
    reinstated_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("reinstated", self.insight_id, self.reinstated_at.isoformat())
