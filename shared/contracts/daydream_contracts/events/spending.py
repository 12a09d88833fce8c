"""Define the events of foreground spend, and of alerts."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from daydream_contracts.events.base import Message, derive_id
from daydream_contracts.number_limits import Nanousd, TokenCount


class ForegroundReported(Message):
    """The lab used a model for its own work.

    Without `cost_nanousd` the usage is priced when it is counted.
    """

    report_id: str = Field(
        min_length=1,
        max_length=200,
        description="the id of the call, or of the batch of calls, at the reporter",
    )
    model: str = ""
    input_tokens: TokenCount = 0
    cached_input_tokens: TokenCount = 0
    output_tokens: TokenCount = 0
    cost_nanousd: Nanousd | None = None
    spent_at: AwareDatetime

    @property
    def message_id(self) -> str:
        return derive_id("foreground", self.report_id)


class AlertRaised(Message):
    """An alert for people. The same alert has the same id, so it is raised once."""

    alert_id: str
    kind: Literal["soft-limit", "refused", "overrun", "canary-drift", "ledger-unreadable"]
    about: str = Field(
        description="subject: a limit as scope/window, an attempt, or a ledger entry"
    )
    text: str
    raised_at: datetime

    @property
    def message_id(self) -> str:
        return self.alert_id
