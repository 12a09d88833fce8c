"""Define the event of foreground spend."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from daydream_contracts.events.base import Message, derive_id


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
    input_tokens: int = Field(default=0, ge=0)
    cached_input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    cost_nanousd: int | None = Field(default=None, ge=0)
    spent_at: AwareDatetime

    @property
    def message_id(self) -> str:
        return derive_id("foreground", self.report_id)
