"""`POST /api/reviews`: review a verdict, as `daydream review` does. Needs the token.

The body is `{"verdict_id": …, "accepted": true, "who": …, "note": …}`. An accepted hypothesis
becomes a fact, whatever the models decided. If there are several reviews, the last one counts.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from daydream_console.web.dependencies import services_of
from daydream_console.web.request_models import protected
from daydream_contracts.events import ReviewRecorded
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_VERDICTS


class ReviewBody(ReviewRecorded):
    """A review. Its time is that of the request unless the client sends one."""

    recorded_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


async def record_review(request: Request, body: ReviewBody) -> Response:
    """Record the review. 202 with the review: the memory handles it in a moment."""
    services = services_of(request)
    page = await services.rpc.request(MEMORY_VERDICTS, ListVerdicts(verdict_ids=(body.verdict_id,)))
    if not page.verdicts:
        return JSONResponse({"error": f"Unknown verdict ID: {body.verdict_id}"}, 404)
    if page.verdicts[0].hypothesis.synthesis is None:
        return JSONResponse({"error": "This verdict has no hypothesis to review"}, 409)
    review = ReviewRecorded(**body.model_dump())
    await services.publish(review)
    return Response(review.model_dump_json(), 202, media_type="application/json")


ROUTES = (Route("/api/reviews", protected(ReviewBody, record_review), methods=["POST"]),)
