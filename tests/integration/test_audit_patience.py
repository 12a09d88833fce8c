"""The audit reads the ledger again when a cluster has no leader for a moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator

import pytest
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.errors import ServiceUnavailableError

from daydream_budget.ledger import archive
from daydream_budget.ledger.audit import command
from daydream_budget.ledger.chain import LedgerMessage
from daydream_budget.ledger.entries import COMMIT
from daydream_contracts.topology import LEDGER_SUBJECT
from support.fake_ledger import RecordingLedger
from support.programs import NatsServer


class LeaderlessLedger:
    """Refuses some reads as a cluster does that chooses a leader, then reads the real ledger."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self._read = archive.messages

    async def messages(
        self, js: JetStreamContext, after: int
    ) -> AsyncGenerator[LedgerMessage, None]:
        if self.refusals:
            self.refusals -= 1
            raise ServiceUnavailableError
        async for message in self._read(js, after):
            yield message


@pytest.mark.fault("F4", invariant="the audit waits while there is no leader for a moment")
@pytest.mark.parametrize(("refusals", "code"), [(2, command.EXIT_SOUND), (9, command.EXIT_SETTING)])
async def test_the_audit_reads_again_while_the_ledger_has_no_leader(
    server: NatsServer,
    nc: Client,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refusals: int,
    code: int,
) -> None:
    ledger = RecordingLedger(lifetime=1000)
    ledger.spend("one", 10)
    for commit in ledger.commits:
        await nc.jetstream().publish(LEDGER_SUBJECT, COMMIT.dump_json(commit))
    # one server never is without a leader
    monkeypatch.setattr(archive, "messages", LeaderlessLedger(refusals).messages)
    monkeypatch.setattr(command, "AGAIN_S", 0.0)
    monkeypatch.setattr(command, "SERVING_S", 0.0)
    monkeypatch.setenv("DAYDREAM_NATS_URL", server.url)
    assert await asyncio.to_thread(command.main, ["--json"]) == code
    output, errors = capsys.readouterr()
    if code == command.EXIT_SOUND:
        assert json.loads(output)["commits"] == len(ledger.commits)
    else:
        assert "the ledger can't be read" in errors
