"""`POST /api/foreground`: the lab's gateway reports what its own work has cost, as the denominator of the tax.

The body is an OpenAI-style answer or usage record: `{"id", "model", "usage": {"prompt_tokens", "completion_tokens", …}}`, with
`"cost_usd"` where the gateway knows the cost better than a price list, and `"created"` (seconds since 1970) where the call
was not made just now. It is published as `ForegroundReported` and counted once by its id.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal

import nats.errors
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_console.request_models import body_of, first_fault
from daydream_contracts.events import NANOUSD_PER_USD, ForegroundReported, Message


class _Cached(BaseModel):
    cached_tokens: int = Field(default=0, ge=0)


class _Usage(BaseModel):
    prompt_tokens: int = Field(default=0, ge=0)
    completion_tokens: int = Field(default=0, ge=0)
    prompt_tokens_details: _Cached = Field(default_factory=_Cached)


class UsageRecord(BaseModel):
    """What a gateway sends."""

    model_config = ConfigDict(extra="ignore")

    id: str = Field(min_length=1, max_length=200)
    model: str = ""
    usage: _Usage = Field(default_factory=_Usage)
    cost_usd: Decimal | None = Field(default=None, ge=0)
    created: float | None = Field(default=None, gt=0)

    def report(self, now: datetime) -> ForegroundReported:
        """The event. A cost is rounded up to whole nano-dollars."""
        cost = (
            None
            if self.cost_usd is None
            else int((self.cost_usd * NANOUSD_PER_USD).to_integral_value(ROUND_CEILING))
        )
        return ForegroundReported(
            report_id=self.id,
            model=self.model,
            input_tokens=self.usage.prompt_tokens,
            output_tokens=self.usage.completion_tokens,
            cached_input_tokens=self.usage.prompt_tokens_details.cached_tokens,
            cost_nanousd=cost,
            spent_at=now if self.created is None else datetime.fromtimestamp(self.created, UTC),
        )


def foreground(
    publish: Callable[[Message], Awaitable[None]],
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: 202 once the report is kept."""

    async def endpoint(request: Request) -> Response:
        body = await body_of(request)
        if isinstance(body, Response):
            return body
        try:
            report = UsageRecord.model_validate_json(body).report(datetime.now(UTC))
        except ValidationError as error:
            return JSONResponse({"error": first_fault(error)}, 400)
        except (
            ValueError,
            OverflowError,
            OSError,
        ):  # what `fromtimestamp` says of years that there are not
            return JSONResponse({"error": "created: no such time"}, 400)
        if not report.model and report.cost_nanousd is None:
            return JSONResponse(
                {"error": "model: needed to price the usage, unless there is a cost_usd"}, 400
            )
        try:
            await publish(report)
        except (nats.errors.Error, TimeoutError) as trouble:
            return JSONResponse(
                {"error": f"the report could not be kept, send it again: {type(trouble).__name__}"},
                503,
            )
        return JSONResponse({"accepted": report.report_id}, 202)

    return endpoint
