"""Every command over HTTP is recorded with the person who gives it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from daydream_console.web.access import AccessRules, NamedToken
from daydream_console.web.app import application
from daydream_contracts.events import CommandReceived
from daydream_contracts.rpc import DocumentPage
from daydream_contracts.topology import MEMORY_DOCUMENTS
from support.console import ConsoleFixture
from support.insights import insight_fact, promotion, verdict
from support.loop_states import example

INSIGHT = verdict(0, log_odds=1.0)
FACT = insight_fact(INSIGHT).fact_id
DOCUMENTS = example(DocumentPage)
COMMANDS: dict[tuple[str, str], tuple[str, Any]] = {  # operation: its address, and a body
    ("post", "/api/v1/insights/{insight_id}/reviews"): (INSIGHT.verdict_id, {"accepted": True}),
    ("post", "/api/v1/insights/{insight_id}/reviews/undo"): (INSIGHT.verdict_id, {}),
    ("post", "/api/v1/insights/{insight_id}/outcomes"): (
        INSIGHT.verdict_id,
        {"result": "confirmed"},
    ),
    ("post", "/api/v1/facts/{fact_id}/retraction"): (FACT, {"why": "wrong"}),
    ("post", "/api/v1/facts/{fact_id}/reinstatement"): (FACT, {"why": "right"}),
    ("post", "/api/v1/budget/changes"): (
        "",
        {"change": {"kind": "pause", "paused": True}, "why": "holidays"},
    ),
    ("post", "/api/v1/gateway/keys"): ("", {"team": "red", "purpose": "search"}),
    ("delete", "/api/v1/gateway/keys/{key_id}"): ("key-1", None),
    ("post", "/api/v1/documents/removals"): ("", {"source": DOCUMENTS.reports[0].source}),
    ("post", "/api/v1/dead-letters/{number}/resend"): ("1", None),
    ("delete", "/api/v1/dead-letters/{number}"): ("1", None),
}
NO_COMMANDS = {
    ("put", "/api/v1/insights/{insight_id}/lock"),  # it ends by itself and changes no result
    ("delete", "/api/v1/insights/{insight_id}/lock"),
    ("post", "/api/v1/session"),  # signing in and out
    ("delete", "/api/v1/session"),
    ("post", "/api/v1/foreground"),  # the report of a program, which is stored as an event
}


@pytest.fixture
def console() -> ConsoleFixture:
    token = NamedToken.of(SecretStr("ada:secret"), may_write=True)
    console = ConsoleFixture(AccessRules(tokens=[token]))
    console.add(INSIGHT)
    console.index.add_promotion(promotion(INSIGHT))
    console.rpc.answers[MEMORY_DOCUMENTS.subject] = DOCUMENTS
    console.js.stored = {1: stored_dead_letter()}
    return console


def stored_dead_letter() -> Any:
    """Return a dead letter as JetStream stores it, with a message of no known version."""
    headers = {
        "Nats-Msg-Id": "PAIRS:synthesizer:pair-1:dead",
        "Daydream-Subject": "daydream.pair.sampled",
        "Daydream-Consumer": "synthesizer",
        "Daydream-Reason": "invalid",
    }
    fields = {"time": datetime.now(UTC), "headers": headers, "data": b'{"version": 2}'}
    return type("FakeStored", (), fields)()


def operations() -> list[tuple[str, str]]:
    """Return all operations of the API that may change something."""
    paths = application(None).openapi()["paths"]
    return [
        (method, path) for path, methods in paths.items() for method in methods if method != "get"
    ]


def test_every_operation_that_changes_something_is_listed_here() -> None:
    assert set(operations()) == set(COMMANDS) | NO_COMMANDS


@pytest.mark.parametrize(("method", "path"), sorted(COMMANDS), ids=str)
def test_a_command_is_recorded_with_the_person(
    console: ConsoleFixture, method: str, path: str
) -> None:
    client = console.client(authorization="Bearer secret")
    if path.endswith("/undo"):
        client.post(path.removesuffix("/undo").format(insight_id=FACT), json={"accepted": True})
        console.published.clear()
    about, body = COMMANDS[method, path]
    address = path.partition("{")[0] + about + path.partition("}")[2]
    answer = client.request(method, address, json=body)
    assert answer.status_code in {200, 202, 409}, answer.text
    (command,) = [each for each in console.published if isinstance(each, CommandReceived)]
    assert (command.who, command.via) == ("ada", "token")
    assert command.command == f"{method.upper()} {address}"


@pytest.mark.parametrize(("method", "path"), sorted(COMMANDS), ids=str)
def test_a_command_of_nobody_is_neither_given_nor_recorded(
    console: ConsoleFixture, method: str, path: str
) -> None:
    about, body = COMMANDS[method, path]
    address = path.partition("{")[0] + about + path.partition("}")[2]
    assert console.client().request(method, address, json=body).status_code == 401
    assert console.published == []
