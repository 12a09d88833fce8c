"""The console's real application in memory: its endpoints, over a real index."""

from __future__ import annotations

from typing import Any

import pytest
from faststream.nats import TestNatsBroker
from pydantic import BaseModel

from daydream_console.app import ENDPOINTS, build
from daydream_console.insights.index import InsightIndex
from daydream_console.insights.queries import InsightQueries
from daydream_console.insights.schema import open_database
from daydream_console.settings import ConsoleSettings
from daydream_contracts.events import VerdictReached
from daydream_contracts.rpc import GetInsight, InsightDetail, InsightPage, InsightQuery
from daydream_contracts.topology import CONSOLE_INSIGHT, CONSOLE_INSIGHTS
from daydream_runtime.application import ServiceApp
from daydream_runtime.rpc import FAILURE_HEADER, REASON_HEADER
from support.insights import verdict

STORED = verdict(1, title="Queues and rivers")


@pytest.fixture
def app() -> ServiceApp:
    """The index holds one verdict, and its stream too."""
    index = InsightIndex(open_database(None))
    index.add_verdict(STORED, 1)

    async def read_verdict(verdict_id: str, sequence: int) -> VerdictReached | None:
        return STORED if (verdict_id, sequence) == (STORED.verdict_id, 1) else None

    app = build(ConsoleSettings())
    app.context.set_global("insight_queries", InsightQueries(index, read_verdict))
    return app


async def reply_to(app: ServiceApp, subject: str, request: BaseModel | list[str]) -> Any:
    async with TestNatsBroker(app.nats) as broker:
        return await broker.request(request, subject)


async def test_insights_are_found_and_read_in_full(app: ServiceApp) -> None:
    reply = await reply_to(app, CONSOLE_INSIGHTS.subject, InsightQuery(words="rivers"))
    (insight,) = InsightPage.model_validate_json(reply.body).insights
    assert insight.title == "Queues and rivers"
    request = GetInsight(insight_id=insight.verdict_id)
    reply = await reply_to(app, CONSOLE_INSIGHT.subject, request)
    detail = InsightDetail.model_validate_json(reply.body)
    assert detail.verdict == STORED


@pytest.mark.parametrize(
    ("subject", "request_"),
    [
        (CONSOLE_INSIGHTS.subject, InsightQuery(cursor="no cursor")),
        (CONSOLE_INSIGHT.subject, GetInsight(insight_id="unknown")),
    ],
)
async def test_what_does_not_exist_is_answered_with_its_reason(
    app: ServiceApp, subject: str, request_: BaseModel
) -> None:
    reply = await reply_to(app, subject, request_)
    assert reply.headers[FAILURE_HEADER] == "permanent"
    assert reply.headers[REASON_HEADER] != "bug"


@pytest.mark.parametrize("subject", [endpoint.subject for endpoint in ENDPOINTS])
async def test_a_request_that_is_no_object_is_answered_with_a_failure(
    app: ServiceApp, subject: str
) -> None:
    reply = await reply_to(app, subject, ["no", "object"])
    assert reply.headers[FAILURE_HEADER] == "permanent"
