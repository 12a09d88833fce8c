"""Build a digest from the insights of a running system."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from nats.js import JetStreamContext

from daydream_console.alerts import alerts_since
from daydream_console.digest.content import Digest
from daydream_console.digest.preferences import preferences_of
from daydream_console.digest.selection import choose, improbable_candidates, ranked
from daydream_console.insights.pages import read_insight, read_insights
from daydream_contracts.errors import PermanentError
from daydream_contracts.rpc import InsightQuery, InsightState, InsightSummary
from daydream_runtime.rpc import RpcClient

INSIGHTS_READ_MAX = 1000
DAYDREAMS_READ_MAX = 5000
REVIEWS_READ_MAX = 500
EVERY_STATE = tuple(InsightState)


@dataclass(frozen=True)
class DigestRequest:
    """What a digest is asked to hold. `sent`: insights that this reader has already got."""

    reader: str
    since: datetime
    until: datetime
    top: int = 5
    zone: tzinfo | None = None
    sent: Collection[str] = frozenset()
    page_url: str = ""


async def build_digest(rpc: RpcClient, js: JetStreamContext, request: DigestRequest) -> Digest:
    """Return the digest of a period."""
    since, until = request.since, request.until
    new = InsightQuery(since=since, until=until)
    daydreams = InsightQuery(since=since, until=until, states=EVERY_STATE, sort="date")
    reviews = InsightQuery(reviewed=True, states=EVERY_STATE, sort="date")
    page, all_of_them, reviewed, alerts = await asyncio.gather(
        read_insights(rpc, new, INSIGHTS_READ_MAX),
        read_insights(rpc, daydreams, DAYDREAMS_READ_MAX),
        read_insights(rpc, reviews, REVIEWS_READ_MAX),
        alerts_since(js, since),
    )
    preferences = preferences_of(request.reader, reviewed.insights)
    unread = [insight for insight in page.insights if insight.insight_id not in request.sent]
    order = ranked(unread, preferences)
    similarity = await _similarities(rpc, improbable_candidates(order, request.top))
    return Digest(
        reader=request.reader,
        since=since,
        until=until,
        zone=request.zone,
        items=choose(order, request.top, preferences, similarity),
        insights=page.total,
        daydreams=all_of_them.total,
        spent_nanousd=sum(insight.cost_nanousd for insight in all_of_them.insights),
        alerts=tuple(alert.text for alert in alerts.alerts),
        page_url=request.page_url,
    )


async def _similarities(rpc: RpcClient, insights: Sequence[InsightSummary]) -> dict[str, float]:
    """Return how close the two facts of each insight are. Erased ones are left out."""
    similarities = {}
    for insight in insights:
        try:
            detail = await read_insight(rpc, insight.verdict_id)
        except PermanentError:
            continue
        similarities[insight.verdict_id] = detail.verdict.hypothesis.pair.similarity
    return similarities
