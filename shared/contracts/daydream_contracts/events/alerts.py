"""Define the event of an alert."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from daydream_contracts.events.base import Message


class AlertRaised(Message):
    """An alert for people. The same alert has the same id, so it is raised once."""

    alert_id: str
    kind: Literal[
        "soft-limit",
        "refused",
        "overrun",
        "model",
        "canary-drift",
        "judges",
        "ledger-unreadable",
    ]
    about: str = Field(
        description="subject: a limit as scope/window, an attempt, a model, or a ledger entry"
    )
    text: str
    raised_at: datetime

    @property
    def message_id(self) -> str:
        return self.alert_id
