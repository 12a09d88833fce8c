"""What people say of insights: reviews, outcomes, and locks while they review."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue
from pydantic import BaseModel, Field

from daydream_console.overview import wait_until_handled
from daydream_console.reviews import new_review, undo_of, visibility_change
from daydream_console.web.api.visibility import HANDLED_S, publish_change
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import (
    ID_CHARS_MAX,
    ConsoleServices,
    InsightId,
    Reader,
    Services,
    Writer,
    check_json,
    record_command,
)
from daydream_contracts.buckets import REVIEW_LOCKS
from daydream_contracts.events import OutcomeRecorded, ReviewEffect, ReviewRecorded, TrialResult
from daydream_contracts.rpc import InsightDetail, InsightQuery, InsightState
from daydream_contracts.topology import route_of

router = APIRouter(
    tags=["reviews"],
    route_class=ApiRoute,
    responses=WRITE_PROBLEMS,
)
TEXT_CHARS_MAX = 2000
LINK = r"^(https?://[^\s]+)?$"
Text = Annotated[str, Field(max_length=TEXT_CHARS_MAX)]


class ReviewBody(BaseModel):
    """A review. `retract`: a rejected insight that is a fact is retracted too."""

    accepted: bool
    note: Text = ""
    retract: bool = True


class UndoBody(BaseModel):
    """Why. `review_id`: refuse the undo if this is not the last review any more."""

    note: Text = ""
    review_id: Annotated[str, Field(max_length=ID_CHARS_MAX)] = ""


class OutcomeBody(BaseModel):
    """What came out when somebody tried the test."""

    result: TrialResult
    note: Text = ""
    link: Annotated[str, Field(max_length=TEXT_CHARS_MAX, pattern=LINK)] = ""


class ReviewResult(BaseModel):
    """The recorded review, and whether the insight was retracted or reinstated with it."""

    review: ReviewRecorded
    review_id: str
    retracted: bool = False
    reinstated: bool = False
    descendants: int = Field(default=0, description="insights that descend from it")


class ReviewLock(BaseModel):
    """Who reviews an insight now. It ends after ten minutes."""

    who: str
    mine: bool


class QueueProgress(BaseModel):
    """How far the review queue is."""

    pending: int
    reviewed: int


@router.post("/insights/{insight_id}/reviews", dependencies=[Depends(check_json)])
async def review_insight(
    insight_id: InsightId, body: ReviewBody, request: Request, services: Services, who: Writer
) -> ReviewResult:
    """Accept or reject. The last review holds, above the models.

    Rejecting an insight in use retracts it; accepting what a rejection retracted reinstates it.
    """
    detail = await services.insights.get(insight_id)
    review = new_review(
        detail, accepted=body.accepted, who=who.who, note=body.note, retract=body.retract
    )
    await record_command(request, who, about=body.model_dump_json(), why=body.note)
    why = body.note or ("accepted in review" if body.accepted else "rejected in review")
    return await _carry_out(services, detail, review, why)


@router.post("/insights/{insight_id}/reviews/undo", dependencies=[Depends(check_json)])
async def undo_review(
    insight_id: InsightId, body: UndoBody, request: Request, services: Services, who: Writer
) -> ReviewResult:
    """Undo the last review: restore the review before it, and whether it was in use."""
    detail = await services.insights.get(insight_id)
    review = undo_of(detail, who=who.who, note=body.note)
    if body.review_id not in ("", review.undoes):
        raise ProblemError(409, "not-the-last", "Another review came later", "Reload the page")
    await record_command(request, who, about=body.model_dump_json(), why=body.note)
    return await _carry_out(services, detail, review, body.note or "undo of a review")


async def _carry_out(
    services: ConsoleServices, detail: InsightDetail, review: ReviewRecorded, why: str
) -> ReviewResult:
    await services.publish(review)
    services.insights.index.add_review(review)  # it is read again, also by an undo right after it
    if change := visibility_change(detail, review, why):
        if review.effect is ReviewEffect.WITHDRAWN:
            await _wait_for_reviews(services)
        await publish_change(services, change)
    return ReviewResult(
        review=review,
        review_id=review.message_id,
        retracted=change is not None and not change.active,
        reinstated=change is not None and change.active,
        descendants=use.descendants if (use := services.insights.use(review.verdict_id)) else 0,
    )


async def _wait_for_reviews(services: ConsoleServices) -> None:
    """Wait until the memory has handled all reviews: before that there may be no fact to hide."""
    state = (await services.client.js.stream_info(route_of(ReviewRecorded).stream)).state
    await wait_until_handled(services.client, ReviewRecorded, state.last_seq, HANDLED_S)


@router.post("/insights/{insight_id}/outcomes", dependencies=[Depends(check_json)])
async def record_outcome(
    insight_id: InsightId, body: OutcomeBody, request: Request, services: Services, who: Writer
) -> OutcomeRecorded:
    """Record what came out when somebody tried the test. It is the strongest label in exports."""
    detail = await services.insights.get(insight_id)
    await record_command(request, who, about=body.model_dump_json(), why=body.note)
    outcome = OutcomeRecorded(
        verdict_id=detail.summary.verdict_id,
        who=who.who,
        recorded_at=datetime.now(UTC),
        **body.model_dump(),
    )
    await services.publish(outcome)
    return outcome


@router.get("/reviews/progress")
async def review_progress(
    query: Annotated[InsightQuery, Query()], services: Services, _: Reader
) -> QueueProgress:
    """Return how many that match the filters are reviewed, and how many are not."""
    return progress_of(services, query)


def queue_with_reviewed(query: InsightQuery) -> InsightQuery:
    """Return the query with the states that a review leads to."""
    states = tuple({*query.states, InsightState.REJECTED, InsightState.ACTIVE})
    return query.model_copy(update={"states": states})


def progress_of(services: ConsoleServices, query: InsightQuery) -> QueueProgress:
    """Count the reviewed and the pending ones of a filter."""
    both = queue_with_reviewed(query)
    reviewed = services.insights.count(both.model_copy(update={"reviewed": True}))
    pending = services.insights.count(query.model_copy(update={"reviewed": False}))
    return QueueProgress(pending=pending, reviewed=reviewed)


@router.put("/insights/{insight_id}/lock")
async def lock_insight(insight_id: InsightId, services: Services, who: Writer) -> ReviewLock:
    """Take the lock of an insight for ten minutes, or see who has it."""
    hypothesis_id = (await services.insights.get(insight_id)).verdict.hypothesis.hypothesis_id
    bucket = await _locks(services)
    try:
        await bucket.create(hypothesis_id, who.who.encode())
    except KeyWrongLastSequenceError:
        try:
            holder = ((await bucket.get(hypothesis_id)).value or b"").decode()
        except KeyNotFoundError:  # it has just ended
            holder = who.who
        return ReviewLock(who=holder, mine=holder == who.who)
    return ReviewLock(who=who.who, mine=True)


@router.delete("/insights/{insight_id}/lock")
async def unlock_insight(insight_id: InsightId, services: Services, who: Writer) -> ReviewLock:
    """Give the lock back. Nothing happens if somebody else has it."""
    hypothesis_id = (await services.insights.get(insight_id)).verdict.hypothesis.hypothesis_id
    bucket = await _locks(services)
    try:
        holder = ((await bucket.get(hypothesis_id)).value or b"").decode()
    except KeyNotFoundError:
        return ReviewLock(who="", mine=False)
    if holder == who.who:
        await bucket.delete(hypothesis_id)
    return ReviewLock(who=holder, mine=holder == who.who)


async def _locks(services: ConsoleServices) -> KeyValue:
    return await services.client.js.key_value(REVIEW_LOCKS.name)
