"""What the gateway's HTTP side adds to OpenAI's API: headers, dispositions, and fields of answers.

A stage names each call in `CALL_HEADER` and the reservation that pays for it in
`RESERVATION_HEADER`. What a request claims counts only within what its key allows.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from daydream_contracts.events import ContractModel

CALL_HEADER = "x-daydream-call"
RESERVATION_HEADER = "x-daydream-reservation"
LANE_HEADER = "x-daydream-lane"
BATCH_LANE = "batch"
DISPOSITION_HEADER = "x-daydream-disposition"
EXTENSION = "daydream"  # the field of an answer that holds a CallReceipt
FILTERED = "filtered"  # the code of a refusal by a content filter
RUNAWAY = "runaway"  # the kind of an answer that repeated itself until it was stopped

Disposition = Literal["answer", "wait", "retry", "stop", "reject"]
"""What a caller should do: read the answer, wait and ask again, try again, wait for a person, or
never ask again."""


class CallReceipt(ContractModel):
    """What a call cost, and how it came about."""

    call_id: str
    cost_nanousd: int = Field(ge=0)
    saved_nanousd: int = Field(default=0, ge=0, description="what a batch saved")
    provider_id: str = ""
    model: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    messages_digest: str = Field(
        default="",
        description="digest of the messages that were sent; a later request of the same call may "
        "have other examples",
    )
    kind: str = Field(default="answer", description="row of the table of answers")
    answered_at: AwareDatetime
