"""Reviews: what one does besides being a label, and how it is undone.

Rejecting an insight in use retracts it. Accepting what a rejection retracted reinstates it. An undo
restores the state before the last review: the label that held then, and whether it was in use. The
API, the command and the MCP server all decide by this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from daydream_console.client import Client
from daydream_console.overview import wait_until_handled
from daydream_contracts.errors import PermanentError
from daydream_contracts.events import ReviewEffect, ReviewRecorded, VisibilityChanged
from daydream_contracts.rpc import InsightDetail

INVERSE = {
    ReviewEffect.NONE: ReviewEffect.NONE,
    ReviewEffect.PROMOTED: ReviewEffect.WITHDRAWN,
    ReviewEffect.RETRACTED: ReviewEffect.REINSTATED,
    ReviewEffect.REINSTATED: ReviewEffect.RETRACTED,
    ReviewEffect.WITHDRAWN: ReviewEffect.PROMOTED,
}
HIDES = {ReviewEffect.RETRACTED, ReviewEffect.WITHDRAWN}
OPINIONS = {True: "accepted", False: "rejected"}


def new_review(
    detail: InsightDetail, *, accepted: bool, who: str, note: str = "", retract: bool = True
) -> ReviewRecorded:
    """Return a review. `retract`: a rejection also hides an insight in use.

    Raise PermanentError for a verdict without a hypothesis.
    """
    if detail.verdict.hypothesis.synthesis is None:
        raise PermanentError("no-hypothesis", "This verdict has no hypothesis to review")
    return ReviewRecorded(
        verdict_id=detail.summary.verdict_id,
        accepted=accepted,
        who=who,
        note=note,
        recorded_at=datetime.now(UTC),
        effect=_effect(detail, accepted=accepted) if retract else ReviewEffect.NONE,
    )


def undo_of(detail: InsightDetail, *, who: str, note: str = "") -> ReviewRecorded:
    """Return the review that undoes the last one. Raise PermanentError if there is none."""
    holding = holding_reviews(detail.reviews)
    if not holding:
        raise PermanentError("nothing-to-undo", "No review of this insight holds")
    last, earlier = holding[-1], holding[:-1]
    return ReviewRecorded(
        verdict_id=last.verdict_id,
        accepted=earlier[-1].accepted if earlier else None,
        who=who,
        note=note,
        recorded_at=datetime.now(UTC),
        effect=INVERSE[last.effect],
        undoes=last.message_id,
    )


def visibility_change(
    detail: InsightDetail, review: ReviewRecorded, why: str
) -> VisibilityChanged | None:
    """Return the change of visibility that comes with a review, None if nothing changes."""
    withdrawn = bool(detail.reviews) and detail.reviews[-1].effect is ReviewEffect.WITHDRAWN
    if review.effect is ReviewEffect.NONE:
        return None
    if review.effect is ReviewEffect.PROMOTED and not withdrawn:
        return None  # the memory makes the fact
    return VisibilityChanged(
        fact_ids=(detail.summary.insight_id,),
        active=review.effect not in HIDES,
        who=review.who,
        why=why,
        changed_at=review.recorded_at,
    )


async def publish_review(
    client: Client, detail: InsightDetail, review: ReviewRecorded, why: str
) -> None:
    """Publish a review and what comes with it, and wait until the memory has applied both."""
    sequence = await client.publish(review)
    await wait_until_handled(client, ReviewRecorded, sequence)
    if change := visibility_change(detail, review, why):
        await wait_until_handled(client, VisibilityChanged, await client.publish(change))


def holding_reviews(reviews: Sequence[ReviewRecorded]) -> list[ReviewRecorded]:
    """Return the reviews that were not undone, oldest first. `reviews` are oldest first."""
    holding: list[ReviewRecorded] = []
    for review in reviews:
        if review.undoes:
            holding = [each for each in holding if each.message_id != review.undoes]
        else:
            holding.append(review)
    return holding


def describe_review(review: ReviewRecorded) -> str:
    """Return what a person did, as a verb in the past tense."""
    opinion = "" if review.accepted is None else OPINIONS[review.accepted]
    if not review.undoes:
        return opinion
    return f"undid a review, so that it is {opinion or 'not reviewed'} again"


def _effect(detail: InsightDetail, *, accepted: bool) -> ReviewEffect:
    if detail.summary.active:
        return ReviewEffect.NONE if accepted else ReviewEffect.RETRACTED
    if not accepted:
        return ReviewEffect.NONE
    last = detail.reviews[-1].effect if detail.reviews else ReviewEffect.NONE
    if not _hidden(detail) or last is ReviewEffect.WITHDRAWN:
        return ReviewEffect.PROMOTED
    return ReviewEffect.REINSTATED if last is ReviewEffect.RETRACTED else ReviewEffect.NONE


def _hidden(detail: InsightDetail) -> bool:
    return bool(detail.visibility) and not detail.visibility[-1].active
