"""What a gateway may send, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from daydream_console.foreground import foreground
from daydream_contracts.events import ForegroundReported, Message


@pytest.fixture
def kept() -> list[Message]:
    return []


@pytest.fixture
def gateway(kept: list[Message]) -> TestClient:
    async def publish(message: Message) -> None:
        kept.append(message)

    return TestClient(
        Starlette(routes=[Route("/api/foreground", foreground(publish), methods=["POST"])])
    )


def test_an_openai_style_answer_is_reported_by_its_id(
    gateway: TestClient, kept: list[Message]
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
    (report,) = kept
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


def test_a_cost_that_the_gateway_knows_is_taken_and_rounded_up(
    gateway: TestClient, kept: list[Message]
) -> None:
    assert (
        gateway.post(
            "/api/foreground", json={"id": "day-1", "cost_usd": "12.3456789012"}
        ).status_code
        == 202
    )
    assert isinstance(kept[0], ForegroundReported)
    assert kept[0].cost_nanousd == 12_345_678_902


@pytest.mark.parametrize(
    ("record", "about"),
    [
        ({}, "id"),
        ({"id": "x"}, "model"),
        ({"id": "x", "model": "m", "usage": {"prompt_tokens": -1}}, "usage.prompt_tokens"),
        ({"id": "x", "cost_usd": -1}, "cost_usd"),
        ({"id": "x", "cost_usd": 1, "created": 1e18}, "created"),
    ],
)
def test_a_wrong_record_is_refused_with_what_is_wrong_and_nothing_is_kept(
    gateway: TestClient, kept: list[Message], record: dict[str, Any], about: str
) -> None:
    answer = gateway.post("/api/foreground", json=record)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(about)
    assert kept == []


def test_a_form_of_another_page_is_refused(gateway: TestClient, kept: list[Message]) -> None:
    assert (
        gateway.post(
            "/api/foreground",
            content='{"id": "x", "cost_usd": 1}',
            headers={"content-type": "text/plain"},
        ).status_code
        == 415
    )
    assert kept == []
