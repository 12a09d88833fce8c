"""Change the budget through the console."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

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
from support.console import console_client

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
STATE = BudgetState.model_validate({**dict.fromkeys(NUMBERS, 0), "limits": (), "spend": ()})
LIMIT = {
    "change": {"kind": "limit", "window": "day", "cap_nanousd": 5},
    "who": "Ada",
    "why": "pilot",
}


class FakeLedger:
    """A ledger with a fixed answer. `changes` are the requests that it got."""

    def __init__(self) -> None:
        self.changes: list[ChangeBudget] = []
        self.answer: BudgetChanged | Exception = BudgetChanged(state=STATE)

    async def request(self, endpoint: Endpoint[Any, Any], request: Any, **_: Any) -> Any:
        assert endpoint is BUDGET_CHANGE
        self.changes.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def ledger() -> FakeLedger:
    return FakeLedger()


def page(ledger: FakeLedger, token: str = "right") -> TestClient:
    return console_client(ledger, token=token)


def test_a_limit_is_set_with_who_and_why(ledger: FakeLedger) -> None:
    answer = page(ledger).post("/api/budget", json=LIMIT)
    assert answer.status_code == 200
    assert BudgetState.model_validate(answer.json()) == STATE
    (change,) = ledger.changes
    assert (change.change, change.who, change.why) == (
        SetLimit(window="day", cap_nanousd=5),
        "Ada",
        "pilot",
    )


def test_a_change_gets_a_new_id_unless_the_client_sends_one(ledger: FakeLedger) -> None:
    client = page(ledger)
    for change_id in ({}, {}, {"change_id": "mine"}):
        client.post(
            "/api/budget",
            json={"change": {"kind": "pause", "paused": True}, "who": "Ada", **change_id},
        )
    first, second, third = (change.change_id for change in ledger.changes)
    assert first != second
    assert third == "mine"
    assert ledger.changes[0].change == Pause(paused=True)


def test_without_a_configured_token_changes_are_off(ledger: FakeLedger) -> None:
    answer = page(ledger, token="").post("/api/budget", json=LIMIT)
    assert answer.status_code == 403
    assert "DAYDREAM_CONSOLE_TOKEN" in answer.json()["error"]


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer wrong", "Bearer right ", "Basic right", "Bearer ünïcode"]
)
def test_another_token_is_refused(ledger: FakeLedger, given: str) -> None:
    headers = {b"authorization": given.encode()}
    answer = page(ledger).post("/api/budget", json=LIMIT, headers=headers)
    assert answer.status_code == 401
    assert ledger.changes == []


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
def test_an_invalid_change_is_refused_with_the_field_that_is_wrong(
    ledger: FakeLedger, body: dict[str, Any], about: str
) -> None:
    answer = page(ledger).post("/api/budget", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(about)
    assert ledger.changes == []


def test_a_form_of_another_page_is_refused(ledger: FakeLedger) -> None:
    headers = {"content-type": "text/plain"}
    assert page(ledger).post("/api/budget", content="{}", headers=headers).status_code == 415


def test_a_body_over_one_megabyte_is_refused(ledger: FakeLedger) -> None:
    assert page(ledger).post("/api/budget", json={"x": "x" * (1 << 20)}).status_code == 413


def test_a_refusal_of_the_ledger_is_passed_on_with_its_reason(ledger: FakeLedger) -> None:
    ledger.answer = BudgetChanged(
        refusal=Refusal(reason="unknown-limit", text="there is no limit all/day"), state=STATE
    )
    answer = page(ledger).post(
        "/api/budget",
        json={"change": {"kind": "top-up", "window": "day", "by_nanousd": 1}, "who": "Ada"},
    )
    assert answer.status_code == 409
    assert answer.json() == {"error": "there is no limit all/day", "reason": "unknown-limit"}


def test_a_ledger_that_does_not_answer_gives_503(ledger: FakeLedger) -> None:
    ledger.answer = RetryLaterError("budget does not answer")
    assert page(ledger).post("/api/budget", json=LIMIT).status_code == 503
