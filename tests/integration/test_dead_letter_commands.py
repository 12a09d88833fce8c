"""Dead letters by the command: list, show, drop, against a real NATS server."""

from __future__ import annotations

import asyncio
import json

import pytest
from nats.aio.client import Client

from daydream_contracts.events import CommandReceived
from daydream_contracts.topology import DEAD_LETTER_PREFIX, route_of
from support.commands import CommandResult, run_command
from support.programs import NatsServer

DUMP = "10 validation errors for PairSampled\n" + "\n".join(
    f"field {n}: missing" for n in range(30)
)


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> CommandResult:
    """Run a command in a thread without signals: it has an event loop of another kind."""
    return await asyncio.to_thread(run_command, capsys, "dead-letters", *arguments)


async def test_a_dead_letter_is_listed_in_a_line_shown_in_full_and_dropped_after_a_yes(
    nc: Client,
    server: NatsServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAYDREAM_NATS_URL", server.url)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # threads other than the main one can't
    headers = {
        "Daydream-Subject": "daydream.pair.sampled",
        "Daydream-Consumer": "synthesizer",
        "Daydream-Reason": "invalid",
        "Daydream-Error": DUMP.replace("\n", " | "),
        "Daydream-Deliveries": "1",
    }
    ack = await nc.jetstream().publish(
        f"{DEAD_LETTER_PREFIX}.PAIRS", b'{"pair_id": "p"}', headers=headers
    )
    number = str(ack.seq)
    listed = await run(capsys, "list")
    assert "1 delivery" in listed.stdout
    assert "1 dead letter." in listed.stdout
    assert max(map(len, listed.stdout.splitlines())) < 260
    shown = await run(capsys, "show", number)
    assert "field 29: missing" in shown.stdout
    assert '"pair_id": "p"' in shown.stdout
    assert f"daydream dead-letters resend {number}" in shown.stdout
    document = json.loads((await run(capsys, "list", "--json")).stdout)
    assert (document["schema"], document["total"]) == (1, 1)
    reason = ("--why", "its document was removed", "--who", "ada")
    assert (await run(capsys, "drop", number, "--yes", *reason)).exit_code == 0
    record = CommandReceived.model_validate_json(
        (await nc.jetstream().get_last_msg("COMMANDS", route_of(CommandReceived).subject)).data
        or b""
    )
    assert (record.who, record.why) == ("ada", "its document was removed")
    assert (record.command, "synthesizer" in record.about) == (f"dead-letters drop {number}", True)
    unknown = await run(capsys, "show", number, "--json")
    assert unknown.exit_code == 2
    assert json.loads(unknown.stdout)["fix"] == "List them: daydream dead-letters list"
