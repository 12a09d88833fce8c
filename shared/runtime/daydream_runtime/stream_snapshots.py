"""Copy a stream with its consumers to a file, and make it again from the file.

The copy is JetStream's own (`STREAM.SNAPSHOT`, `STREAM.RESTORE`): messages with their sequences,
times and headers, and how far each consumer is. The server sends it in chunks to an inbox, and
continues when they are acknowledged; back it takes them as requests. Its format is NATS's.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, BinaryIO

from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_contracts.errors import ConfigurationError

API = "$JS.API.STREAM"
CHUNK_BYTES = 128 << 10
ASK_TIMEOUT_S = 10.0  # for the first answer
TIMEOUT_S = 30.0  # between two chunks
NOT_FOUND = 404
Description = dict[str, Any]  # `config` and `state`, as the server gives them


class SnapshotError(ConfigurationError):
    """The server ended a copy with an error."""


async def describe(nc: Client, stream: str) -> Description | None:
    """Return the configuration and the state of a stream; None if there is none."""
    reply = await _ask(nc, f"{API}.INFO.{stream}", {})
    if reply.get("error", {}).get("code") == NOT_FOUND:
        return None
    return _checked(reply, stream)


async def save_stream(nc: Client, stream: str, target: BinaryIO) -> Description:
    """Write a stream into a file. Return what restoring it needs beside the file.

    It may be used meanwhile: the copy is of one moment.
    """
    inbox = nc.new_inbox()
    chunks = await nc.subscribe(inbox)
    try:
        request = {"deliver_subject": inbox, "chunk_size": CHUNK_BYTES}
        reply = await _ask(nc, f"{API}.SNAPSHOT.{stream}", request)
        description = _checked(reply, stream)
        while (chunk := await chunks.next_msg(timeout=TIMEOUT_S)).data:
            await asyncio.to_thread(target.write, chunk.data)
            if chunk.reply:
                await nc.publish(chunk.reply)
        _check_end(chunk, stream)
    finally:
        await chunks.unsubscribe()
    return {name: description[name] for name in ("config", "state")}


def _check_end(last: Msg, stream: str) -> None:
    """Raise SnapshotError if the last message says that the copy is not complete."""
    status = (last.headers or {}).get("Status", "")
    if status and not status.startswith("2"):
        description = (last.headers or {}).get("Description", status)
        raise SnapshotError(f"The copy of {stream} is not complete: {description}", "Try again")


async def restore_stream(nc: Client, stream: str, description: Description, source: Path) -> None:
    """Make a stream, which must not exist, from its file."""
    reply = _checked(await _ask(nc, f"{API}.RESTORE.{stream}", description), stream)
    subject = reply["deliver_subject"]
    async for chunk in _chunks(source):
        answer = await nc.request(subject, chunk, timeout=TIMEOUT_S)
        if answer.data:
            _checked(json.loads(answer.data), stream)
    answer = await nc.request(subject, b"", timeout=TIMEOUT_S)
    _checked(json.loads(answer.data), stream)


async def _chunks(source: Path) -> AsyncGenerator[bytes, None]:
    with source.open("rb") as file:
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


async def _ask(nc: Client, subject: str, request: Description) -> Description:
    reply = await nc.request(subject, json.dumps(request).encode(), timeout=ASK_TIMEOUT_S)
    content: Description = json.loads(reply.data)
    return content


def _checked(reply: Description, stream: str) -> Description:
    """Return the reply. Raise SnapshotError for a refusal."""
    if error := reply.get("error"):
        text = error.get("description", "no reason given")
        raise SnapshotError(f"NATS refuses the copy of {stream}: {text}", "Check the server's log")
    return reply
