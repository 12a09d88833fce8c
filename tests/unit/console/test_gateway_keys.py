"""A key is issued with its cap or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from daydream_console.cli import gateway
from daydream_contracts.rpc import IssuedKey, RevokeKey
from daydream_contracts.topology import BUDGET_CHANGE, GATEWAY_ADD_KEY, GATEWAY_REVOKE_KEY
from support.commands import run_command

KEY = IssuedKey(
    key_id="0123456789abcdef",
    team="search",
    purpose="chat",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    created_by="ada",
)


class FakeKeyDesk:
    """Issues keys, and a ledger that refuses every change or none."""

    def __init__(self, refusal: str) -> None:
        self.refusal = SimpleNamespace(text=refusal) if refusal else None
        self.asked: list[tuple[str, Any]] = []

    async def request(self, endpoint: Any, request: Any) -> Any:
        self.asked.append((endpoint.subject, request))
        return SimpleNamespace(refusal=self.refusal) if endpoint is BUDGET_CHANGE else KEY


@pytest.fixture
def desk_of(monkeypatch: pytest.MonkeyPatch) -> Any:
    def make(refusal: str) -> FakeKeyDesk:
        desk = FakeKeyDesk(refusal)

        @asynccontextmanager
        async def connection(*_: object) -> AsyncIterator[SimpleNamespace]:
            yield SimpleNamespace(rpc=desk)

        monkeypatch.setattr(gateway, "connection", connection)
        return desk

    return make


ADD = ("gateway", "key", "add", "--team", "search", "--purpose", "chat", "--cap", "20")


def test_a_key_whose_cap_the_ledger_refuses_is_revoked_and_its_secret_is_not_shown(
    desk_of: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_of("The clock of the ledger is off.")
    done = run_command(capsys, *ADD)
    assert done.exit_code == 2
    assert "The clock of the ledger is off" in done.stderr
    assert gateway.SECRET_PREFIX not in done.stdout
    subject, revoke = desk.asked[-1]
    assert subject == GATEWAY_REVOKE_KEY.subject
    assert revoke == RevokeKey(key_id=KEY.key_id, who="unknown")


def test_a_key_with_its_cap_shows_its_secret_once(
    desk_of: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_of("")
    done = run_command(capsys, *ADD)
    assert done.exit_code == 0
    assert done.stdout.startswith(gateway.SECRET_PREFIX)
    assert [subject for subject, _ in desk.asked] == [
        GATEWAY_ADD_KEY.subject,
        BUDGET_CHANGE.subject,
    ]
    assert desk.asked[1][1].change.cap_nanousd == 20 * 10**9
