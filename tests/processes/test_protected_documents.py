"""Passwords of encrypted documents reach the reading process, and nothing else."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from contextlib import suppress
from pathlib import Path

from nats.aio.client import Client as NatsClient
from nats.js.errors import NotFoundError

from daydream_console import ingest
from daydream_console.client import Client, address_of
from daydream_console.protected_documents import is_encrypted, read_protected
from daydream_console.sources import SourceDocument
from daydream_runtime.rpc import RpcClient
from support.pdf_files import lines, pdf_file
from support.programs import NatsServer, clean_environment
from support.services import service

PASSWORD = "correct-horse-battery"
OPEN = b"# Ice\n\nThe ice on the lake breaks up earlier each spring than it did before.\n"
COMMAND_S = 60
OTHER = "Salt was carried inland on roads that were built for nothing else."
SENTENCE = "Glaciers keep the air of the years in which their snow fell."


async def ingested(document: Path, folder: Path, nats_url: str) -> tuple[str, int]:
    """Run the command with a file of passwords. Return status and facts of its report."""
    passwords = folder / "passwords"
    passwords.write_text(f"no\n{PASSWORD}\n")
    arguments = ["ingest", str(document), "--password-file", str(passwords), "--json"]
    environment = clean_environment(folder, DAYDREAM_NATS_URL=nats_url)
    command = [sys.executable, "-m", "daydream_console.cli.main", *arguments]
    process = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        output, said = await asyncio.wait_for(process.communicate(), COMMAND_S)
    finally:
        if process.returncode is None:
            process.kill()
    passwords.unlink()
    assert process.returncode == 0, said.decode()
    assert PASSWORD.encode() not in output + said
    (report,) = json.loads(output)["items"]
    return report["status"], report["facts"]


def files_with(text: str, folder: Path) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    return [file for file in files if text.encode() in file.read_bytes()]


async def bodies(client: Client, stream: str) -> list[bytes]:
    """Return what a stream holds."""
    state = (await client.js.stream_info(stream)).state
    held = []
    for sequence in range(max(1, state.first_seq), state.last_seq + 1):
        with suppress(NotFoundError):  # deleted
            held.append((await client.js.get_msg(stream, seq=sequence)).data or b"")
    return held


async def test_a_password_opens_a_document_and_is_stored_nowhere(
    tmp_path: Path, server: NatsServer, nc: NatsClient
) -> None:
    closed = pdf_file(lines([SENTENCE]), password=PASSWORD)
    documents = [SourceDocument("ice.md", lambda: OPEN), SourceDocument("a.pdf", lambda: closed)]
    client = Client(nc, nc.jetstream(), RpcClient(nc), address_of(server.url))
    with service("memory", server.url, tmp_path / "memory"):
        offered = [document async for document in ingest.offer(client, documents)]
        first = await ingest.reports(client, offered)
        assert [is_encrypted(report) for report in first] == [False, True]
        wrong = await read_protected(client, documents, first, ingest.NO_LABELS, ("no",))
        assert "none of the passwords fits" in wrong[1].note
        right = await read_protected(client, documents, wrong, ingest.NO_LABELS, ("no", PASSWORD))
        other = tmp_path / "other.pdf"
        other.write_bytes(pdf_file(lines([OTHER]), password=PASSWORD))
        assert await ingested(other, tmp_path, server.url) == ("read", 1)
    assert right[0] == first[0]
    assert (right[1].status, right[1].facts) == ("read", 1)
    assert files_with(SENTENCE, tmp_path)
    assert not files_with(PASSWORD, tmp_path)
    streams = [stream.config.name for stream in await client.js.streams_info()]
    held = [body for name in streams for body in await bodies(client, str(name))]
    assert not [body for body in held if PASSWORD.encode() in body]
