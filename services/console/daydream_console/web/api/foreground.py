"""Report the cost of the lab's own model calls, the denominator of the tax.

What goes through daydream's gateway is measured there, and not reported. The body is an
OpenAI-style answer or usage record. Its report is counted once per id.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import Services, Writer, check_json
from daydream_contracts.events import ForegroundReported
from daydream_contracts.number_limits import NANOUSD_PER_USD, USD_MAX, TokenCount

router = APIRouter(tags=["foreground"], route_class=ApiRoute, responses=WRITE_PROBLEMS)


class PromptDetails(BaseModel):
    """Details of the prompt's tokens."""

    cached_tokens: TokenCount = 0


class ReportedUsage(BaseModel):
    """Token counts of a call."""

    prompt_tokens: TokenCount = 0
    completion_tokens: TokenCount = 0
    prompt_tokens_details: PromptDetails = Field(default_factory=PromptDetails)


class UsageRecord(BaseModel):
    """A record as a program reports it. Other fields are ignored.

    `cost_usd` is for programs that know the cost better than a price list. `created` (seconds
    since 1970) is the time of the call; the default is now.
    """

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=200)
    model: str = Field(default="", max_length=200)
    usage: ReportedUsage = Field(default_factory=ReportedUsage)
    cost_usd: Decimal | None = Field(default=None, ge=0, le=USD_MAX)
    created: float | None = Field(default=None, gt=0, le=1e11, allow_inf_nan=False)

    def report(self, now: datetime) -> ForegroundReported:
        """Return the event.

        Round a cost up to whole nano-dollars. Raise ValueError for an impossible time.
        """
        cost = None
        if self.cost_usd is not None:
            cost = int((self.cost_usd * NANOUSD_PER_USD).to_integral_value(ROUND_CEILING))
        return ForegroundReported(
            report_id=self.id,
            model=self.model,
            input_tokens=self.usage.prompt_tokens,
            output_tokens=self.usage.completion_tokens,
            cached_input_tokens=self.usage.prompt_tokens_details.cached_tokens,
            cost_nanousd=cost,
            spent_at=now if self.created is None else datetime.fromtimestamp(self.created, UTC),
        )


class ReportAccepted(BaseModel):
    """The id of the report."""

    accepted: str


@router.post("/foreground", status_code=202, dependencies=[Depends(check_json)])
async def report_foreground(body: UsageRecord, services: Services, _: Writer) -> ReportAccepted:
    """Store a report of foreground spend."""
    report = body.report(datetime.now(UTC))
    if not report.model and report.cost_nanousd is None:
        raise ProblemError(
            400,
            "invalid",
            "model: needed to price the usage",
            "Send the model, or a cost_usd",
            "model",
        )
    await services.publish(report)
    return ReportAccepted(accepted=report.report_id)
