"""Report foreground usage to the console."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from daydream_contracts.events import ForegroundReported, Message
from daydream_contracts.number_limits import NANOUSD_MAX, USD_MAX
from support.console import console_client


@pytest.fixture
def published() -> list[Message]:
    return []


@pytest.fixture
def gateway(published: list[Message]) -> TestClient:
    async def publish(message: Message) -> None:
        published.append(message)

    return console_client(publish=publish)


def test_an_openai_style_answer_is_reported_by_its_id(
    gateway: TestClient, published: list[Message]
) -> None:
    usage = {
        "prompt_tokens": 1200,
        "completion_tokens": 300,
        "total_tokens": 1500,
        "prompt_tokens_details": {"cached_tokens": 1000},
    }
    answer = gateway.post(
        "/api/foreground",
        json={
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "gpt-4o-mini",
            "created": 1780000000,
            "usage": usage,
        },
    )
    assert answer.status_code == 202
    (report,) = published
    assert isinstance(report, ForegroundReported)
    assert (
        report.report_id,
        report.input_tokens,
        report.cached_input_tokens,
        report.output_tokens,
        report.cost_nanousd,
    ) == (
        "chatcmpl-1",
        1200,
        1000,
        300,
        None,
    )


def test_a_cost_from_the_gateway_is_used_and_rounded_up(
    gateway: TestClient, published: list[Message]
) -> None:
    record = {"id": "day-1", "cost_usd": "12.3456789012"}
    assert gateway.post("/api/foreground", json=record).status_code == 202
    assert isinstance(published[0], ForegroundReported)
    assert published[0].cost_nanousd == 12_345_678_902


@pytest.mark.parametrize(
    ("record", "about"),
    [
        ({}, "id"),
        ({"id": "x"}, "model"),
        ({"id": "x", "model": "m", "usage": {"prompt_tokens": -1}}, "usage.prompt_tokens"),
        ({"id": "x", "cost_usd": -1}, "cost_usd"),
        ({"id": "x", "cost_usd": "1e320"}, "cost_usd"),
        ({"id": "x", "cost_usd": "1000000000.01"}, "cost_usd"),
        ({"id": "x", "cost_usd": "NaN"}, "cost_usd"),
        ({"id": "x", "cost_usd": "Infinity"}, "cost_usd"),
        ({"id": "x", "model": "m", "usage": {"prompt_tokens": 10**10}}, "usage.prompt_tokens"),
        ({"id": "x", "model": "m", "usage": {"completion_tokens": 10**400}}, "usage.completion"),
        ({"id": "x", "cost_usd": 1, "created": 1e18}, "created"),
    ],
)
def test_an_invalid_record_is_refused_and_not_published(
    gateway: TestClient, published: list[Message], record: dict[str, Any], about: str
) -> None:
    answer = gateway.post("/api/foreground", json=record)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(about)
    assert published == []


@pytest.mark.parametrize("number", ["1e320", "-1e320", "NaN", "Infinity", "-Infinity", "-0.1"])
@pytest.mark.parametrize("field", ["cost_usd", "created"])
def test_a_number_that_json_should_not_have_is_refused(
    gateway: TestClient, published: list[Message], field: str, number: str
) -> None:
    answer = gateway.post(
        "/api/foreground",
        content=f'{{"id": "x", "cost_usd": 1, "{field}": {number}}}',
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(field)
    assert published == []


def test_the_highest_cost_is_reported(gateway: TestClient, published: list[Message]) -> None:
    record = {"id": "x", "cost_usd": USD_MAX}
    assert gateway.post("/api/foreground", json=record).status_code == 202
    assert isinstance(published[0], ForegroundReported)
    assert published[0].cost_nanousd == NANOUSD_MAX


def test_a_form_of_another_page_is_refused(gateway: TestClient, published: list[Message]) -> None:
    record, headers = '{"id": "x", "cost_usd": 1}', {"content-type": "text/plain"}
    answer = gateway.post("/api/foreground", content=record, headers=headers)
    assert answer.status_code == 415
    assert published == []
