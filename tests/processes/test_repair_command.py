"""`daydream budget repair` shows an unreadable message and voids it, for a person at a terminal."""

from __future__ import annotations

import asyncio
from pathlib import Path

from nats.aio.client import Client

from daydream_contracts.topology import LEDGER_SUBJECT
from support.programs import Daydream, NatsServer
from support.services import service


async def test_a_person_looks_at_the_message_and_voids_it(
    server: NatsServer, nc: Client, tmp_path: Path
) -> None:
    daydream = Daydream(tmp_path / "cli", None, DAYDREAM_NATS_URL=server.url, USER="ada")
    with service("budget", server.url, tmp_path):
        readable = await asyncio.to_thread(daydream, "budget", "repair")
        assert (readable.returncode, readable.stderr) == (0, "")
        assert "The ledger is readable up to message 0." in readable.stdout
        await nc.jetstream().publish(LEDGER_SUBJECT, b'{"not": "a commit"}')
        shown = await asyncio.to_thread(daydream, "budget", "repair")
        assert shown.returncode == 1
        for words in ("Message 1 is unreadable", "19 bytes", "SHA-256", 'begins: {"not": "a'):
            assert words in shown.stdout
        budget = await asyncio.to_thread(daydream, "budget", "show")
        assert "with: daydream budget repair" in " ".join(budget.stdout.split())
        refused = await asyncio.to_thread(daydream, "budget", "set", "--lifetime", "1")
        assert refused.returncode == 2
        assert "Message 1 of the ledger is unreadable" in refused.stderr
        without_reason = await asyncio.to_thread(daydream, "budget", "repair", "--yes")
        assert without_reason.returncode == 2
        assert "--why" in without_reason.stderr
        repaired = await asyncio.to_thread(
            daydream, "budget", "repair", "--yes", "--why", "a stray message"
        )
        assert repaired.returncode == 0, repaired.stderr
        assert "Voided message 1" in repaired.stdout
        state = await asyncio.to_thread(daydream, "budget", "set", "--lifetime", "1")
        assert state.returncode == 0, state.stderr
        assert "ada: voided message 1 of the ledger" in state.stdout
