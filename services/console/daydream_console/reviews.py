"""`POST /api/reviews`: a person's word on a verdict, as `daydream review` gives it: `{"verdict_id": …, "accepted": true, "who": …, "note": …}`, with the token.

An accepted hypothesis becomes a fact, whatever the models said of it; the last word of a person on it is the one that holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from pydantic import AwareDatetime, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from daydream_console.bodies import posted
from daydream_shared.messages import Message, ReviewRecorded
from daydream_shared.requests import ListVerdicts
from daydream_shared.rpc import Asker
from daydream_shared.subjects import MEMORY_INSIGHTS


class Said(ReviewRecorded):
    """A review, recorded now."""

    recorded_at: AwareDatetime = Field(default_factory=lambda: datetime.now(UTC))


def reviews(ask: Asker, publish: Callable[[Message], Awaitable[None]], token: str) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint: 202 with the review; memory takes it up in a moment."""

    async def say(said: Said) -> Response:
        known = await ask(MEMORY_INSIGHTS, ListVerdicts(verdict_ids=(said.verdict_id,)))
        if not known.verdicts:
            return JSONResponse({"error": f"nobody knows a verdict {said.verdict_id}"}, 404)
        if known.verdicts[0].hypothesis.synthesis is None:
            return JSONResponse({"error": "there is no hypothesis to accept or reject"}, 409)
        review = ReviewRecorded(**said.model_dump())
        await publish(review)
        return Response(review.model_dump_json(), 202, media_type="application/json")

    return posted(Said, say, token)
