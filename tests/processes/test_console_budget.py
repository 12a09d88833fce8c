"""The console's API over a real ledger: limits hold, are recorded, and raise alerts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from daydream_console.local.processes import free_port
from support.programs import NatsServer, until
from support.services import service


@pytest.fixture
def console(server: NatsServer, tmp_path: Path) -> Iterator[httpx.Client]:
    port = free_port()
    with (
        service("budget", server.url, tmp_path / "budget", DAYDREAM_BUDGET_SWEEP_S="0.1"),
        service(
            "console",
            server.url,
            tmp_path / "console",
            ready=False,
            DAYDREAM_CONSOLE_WEB_PORT=str(port),
            DAYDREAM_CONSOLE_TOKEN="secret",
        ),
        httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            trust_env=False,
            headers={"authorization": "Bearer secret"},
        ) as client,
    ):
        until(lambda: is_ready(client), "the console")
        yield client


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/api/v1/budget").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def change(client: httpx.Client, **fields: Any) -> httpx.Response:
    headers = {"daydream-who": "Ada"}
    body = {"change": fields, "why": "pilot"}
    return client.post("/api/v1/budget/changes", json=body, headers=headers)


def test_a_limit_set_by_the_api_holds_and_is_recorded(console: httpx.Client) -> None:
    assert change(console, kind="limit", window="day", cap_nanousd=1000).status_code == 200
    assert change(console, kind="top-up", window="day", by_nanousd=500).status_code == 200
    state = console.get("/api/v1/budget").json()
    assert [
        (limit["scope"], limit["window"], limit["cap_nanousd"]) for limit in state["limits"]
    ] == [("all", "day", 1500)]
    assert [(record["who"], record["why"]) for record in state["changes"]] == [("Ada", "pilot")] * 2
    refused = change(console, kind="top-up", window="month", by_nanousd=1)
    assert (refused.status_code, refused.json()["code"]) == (409, "unknown-limit")
    anonymous = console.post("/api/v1/budget/changes", json={}, headers={"authorization": ""})
    assert anonymous.status_code == 401


def test_a_correction_that_reaches_a_soft_limit_raises_an_alert(console: httpx.Client) -> None:
    assert console.get("/api/v1/alerts").json() == {"alerts": []}
    change(console, kind="limit", window="lifetime", cap_nanousd=1000)
    change(
        console,
        kind="correct",
        stage="critic",
        model="m",
        at="2026-06-01T12:00:00Z",
        by_nanousd=850,
    )
    alerts = until(lambda: console.get("/api/v1/alerts").json()["alerts"], "the alert")
    assert [alert["about"] for alert in alerts] == ["all/lifetime"]
