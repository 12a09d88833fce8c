"""`POST /api/foreground`: report the cost of the lab's own model calls, the denominator of the tax.

What goes through daydream's gateway is measured there, and not reported.

The body is an OpenAI-style answer or usage record: `{"id", "model", "usage": {"prompt_tokens",
"completion_tokens", …}}`. `"cost_usd"` is for programs that know the cost better than a price list.
`"created"` (seconds since 1970) is the time of the call; the default is now. The report is
published as `ForegroundReported` and counted once per id.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import nats.errors
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daydream_console.first_fault import first_fault
from daydream_console.web.dependencies import services_of
from daydream_console.web.request_models import read_body
from daydream_contracts.events import ForegroundReported
from daydream_contracts.number_limits import NANOUSD_PER_USD, USD_MAX, TokenCount


class PromptDetails(BaseModel):
    """Details of the prompt's tokens."""

    cached_tokens: TokenCount = 0


class ReportedUsage(BaseModel):
    """Token counts of a call."""

    prompt_tokens: TokenCount = 0
    completion_tokens: TokenCount = 0
    prompt_tokens_details: PromptDetails = Field(default_factory=PromptDetails)


class UsageRecord(BaseModel):
    """A record as a program reports it. Other fields are ignored."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=200)
    model: str = ""
    usage: ReportedUsage = Field(default_factory=ReportedUsage)
    cost_usd: Decimal | None = Field(default=None, ge=0, le=USD_MAX)
    created: float | None = Field(default=None, gt=0, allow_inf_nan=False)

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
            spent_at=now if self.created is None else _time(self.created),
        )


def _time(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:  # raised, besides ValueError, for years out of range
        raise ValueError(str(error)) from error


async def report_foreground(request: Request) -> Response:
    """Publish the report. 202 once it is stored, 400 for an invalid record, 503 if NATS is
    unavailable.
    """
    body = await read_body(request)
    if isinstance(body, Response):
        return body
    try:
        report = UsageRecord.model_validate_json(body).report(datetime.now(UTC))
    except ValidationError as error:
        return JSONResponse({"error": first_fault(error)}, 400)
    except ValueError:
        return JSONResponse({"error": "created: not a valid time"}, 400)
    if not report.model and report.cost_nanousd is None:
        text = "model: needed to price the usage, unless the record has a cost_usd"
        return JSONResponse({"error": text}, 400)
    try:
        await services_of(request).publish(report)
    except (nats.errors.Error, TimeoutError) as error:
        text = f"The report was not stored ({type(error).__name__}). Send it again"
        return JSONResponse({"error": text}, 503)
    return JSONResponse({"accepted": report.report_id}, 202)


ROUTES = (Route("/api/foreground", report_foreground, methods=["POST"]),)
