"""`POST /api/reviews`: a person's word on a verdict, as `daydream review` gives it: `{"verdict_id": …, "accepted": true, "who": …, "note": …}`, with the token.

An accepted hypothesis becomes a fact, whatever the models said of it; the last word of a person on it is the one that holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_console.request_models import posted
from daydream_contracts.events import Message, ReviewRecorded
from daydream_contracts.rpc import ListVerdicts
from daydream_contracts.topology import MEMORY_INSIGHTS
from daydream_runtime.rpc import RpcClient


class ReviewBody(ReviewRecorded):
    """A review, recorded now."""

    recorded_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


def reviews(
    ask: RpcClient, publish: Callable[[Message], Awaitable[None]], token: str
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: 202 with the review; memory takes it up in a moment."""

    async def say(said: ReviewBody) -> Response:
        known = await ask(MEMORY_INSIGHTS, ListVerdicts(verdict_ids=(said.verdict_id,)))
        if not known.verdicts:
            return JSONResponse({"error": f"nobody knows a verdict {said.verdict_id}"}, 404)
        if known.verdicts[0].hypothesis.synthesis is None:
            return JSONResponse({"error": "there is no hypothesis to accept or reject"}, 409)
        review = ReviewRecorded(**said.model_dump())
        await publish(review)
        return Response(review.model_dump_json(), 202, media_type="application/json")

    return posted(ReviewBody, say, token)
