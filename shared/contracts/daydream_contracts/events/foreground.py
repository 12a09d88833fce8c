"""Define the event of foreground spend."""

from __future__ import annotations

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
