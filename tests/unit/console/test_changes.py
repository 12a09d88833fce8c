"""Who may change the budget through the console, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from daydream_console.budget_routes import changes
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.rpc import (
    BudgetChanged,
    BudgetState,
    ChangeBudget,
    Pause,
    Refusal,
    SetLimit,
)
from daydream_contracts.topology import BUDGET_CHANGE, Endpoint

NUMBERS = (
    "settled_nanousd",
    "authorized_nanousd",
    "reserved_nanousd",
    "reservations_open",
    "reservations_released",
    "attempts_authorized",
    "overruns",
    "last_sequence",
)
BOOKS = BudgetState.model_validate({**dict.fromkeys(NUMBERS, 0), "limits": (), "spend": ()})
LIMIT = {
    "change": {"kind": "limit", "window": "day", "cap_nanousd": 5},
    "who": "Ada",
    "why": "pilot",
}


class Ledger:
    """Answers as told, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[ChangeBudget] = []
        self.answer: BudgetChanged | Exception = BudgetChanged(state=BOOKS)

    async def __call__(self, endpoint: Endpoint[Any, Any], question: Any, **_: Any) -> Any:
        assert endpoint is BUDGET_CHANGE
        self.asked.append(question)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


def page(ledger: Ledger, token: str = "right") -> TestClient:
    client = TestClient(
        Starlette(routes=[Route("/api/budget", changes(ledger, token), methods=["POST"])])
    )  # type: ignore[arg-type]
    client.headers["authorization"] = "Bearer right"
    return client


def test_a_limit_is_set_with_who_and_why(ledger: Ledger) -> None:
    answer = page(ledger).post("/api/budget", json=LIMIT)
    assert answer.status_code == 200
    assert BudgetState.model_validate(answer.json()) == BOOKS
    (asked,) = ledger.asked
    assert (asked.change, asked.who, asked.why) == (
        SetLimit(window="day", cap_nanousd=5),
        "Ada",
        "pilot",
    )


def test_a_change_has_an_id_of_its_own_unless_one_is_given(ledger: Ledger) -> None:
    client = page(ledger)
    for more in ({}, {}, {"change_id": "mine"}):
        client.post(
            "/api/budget", json={"change": {"kind": "pause", "paused": True}, "who": "Ada", **more}
        )
    first, second, third = (asked.change_id for asked in ledger.asked)
    assert first != second
    assert third == "mine"
    assert ledger.asked[0].change == Pause(paused=True)


def test_without_a_token_set_nobody_may(ledger: Ledger) -> None:
    answer = page(ledger, token="").post("/api/budget", json=LIMIT)
    assert answer.status_code == 403
    assert "DAYDREAM_CONSOLE_TOKEN" in answer.json()["error"]


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", "Bearer right ", "Basic right", "Bearer ünïcode"]
)
def test_with_another_token_nobody_may(ledger: Ledger, given: str) -> None:
    assert (
        page(ledger)
        .post("/api/budget", json=LIMIT, headers={"authorization": given.encode()})
        .status_code
        == 401
    )
    assert ledger.asked == []


@pytest.mark.parametrize(
    ("body", "about"),
    [
        ({**LIMIT, "who": ""}, "who"),
        ({"who": "Ada"}, "change"),
        (
            {**LIMIT, "change": {"kind": "limit", "window": "year", "cap_nanousd": 1}},
            "change.limit.window",
        ),
        ({**LIMIT, "change": {"kind": "limit", "window": "day"}}, "change.limit"),
        ({**LIMIT, "change": {"kind": "gift"}}, "change"),
    ],
)
def test_a_wrong_change_is_answered_with_what_is_wrong(
    ledger: Ledger, body: dict[str, Any], about: str
) -> None:
    answer = page(ledger).post("/api/budget", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(about)
    assert ledger.asked == []


def test_a_form_of_another_page_is_refused(ledger: Ledger) -> None:
    assert (
        page(ledger)
        .post("/api/budget", content="{}", headers={"content-type": "text/plain"})
        .status_code
        == 415
    )


def test_too_much_is_refused(ledger: Ledger) -> None:
    assert page(ledger).post("/api/budget", json={"x": "x" * (1 << 20)}).status_code == 413


def test_what_the_ledger_refuses_says_why(ledger: Ledger) -> None:
    ledger.answer = BudgetChanged(
        refusal=Refusal(reason="unknown-limit", text="there is no limit all/day"), state=BOOKS
    )
    answer = page(ledger).post(
        "/api/budget",
        json={"change": {"kind": "top-up", "window": "day", "by_nanousd": 1}, "who": "Ada"},
    )
    assert answer.status_code == 409
    assert answer.json() == {"error": "there is no limit all/day", "reason": "unknown-limit"}


def test_a_ledger_that_does_not_answer_is_said_to(ledger: Ledger) -> None:
    ledger.answer = RetryLaterError("budget does not answer")
    assert page(ledger).post("/api/budget", json=LIMIT).status_code == 503
