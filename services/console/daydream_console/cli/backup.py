"""Back up and restore the memory, also while it is running."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from daydream_console.cli.command import command, confirm
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Yes
from daydream_console.cli.output import count, emit_json, err, out
from daydream_console.client import Client
from daydream_contracts.buckets import BACKUP_OBJECTS
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import BackedUp, BackUp, RestoreBackup, Restored
from daydream_contracts.topology import MEMORY_BACK_UP, MEMORY_RESTORE

TIMEOUT_S = 3600.0


@command
async def backup_save(
    file: Annotated[Path, typer.Argument(help="Target file. It must not exist yet.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Back up the memory: facts, vectors, verdicts, reviews and outcomes.

    The ledger is stored in NATS and is not included.

    Examples:
        daydream backup save memory.backup
    """
    if file.exists():
        raise ConfigurationError(f"{file} already exists", "Pass a new file name")
    async with connection(data) as client:
        with err.status("copying …"):
            backup = await _save(client, file)
    if as_json:
        emit_json({**backup.model_dump(mode="json"), "file": str(file)})
        return
    facts, verdicts = count(backup.facts, "fact"), count(backup.verdicts, "verdict")
    size = f"{backup.size_bytes / 1e6:.1f} MB"
    out.print(f"{file}: {facts} and {verdicts}, {size}.", markup=False, soft_wrap=True)


@command
async def backup_restore(
    file: Annotated[
        Path,
        typer.Argument(
            help="File written by 'daydream backup save'.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ],
    save: Annotated[
        bool,
        typer.Option(
            "--save/--no-save", help="Back up the current memory first, next to the file."
        ),
    ] = True,
    yes: Yes = False,
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Replace the memory with a backup.

    Later verdicts and reviews are added again; later documents are not.

    Examples:
        daydream backup restore memory.backup
    """
    async with connection(data) as client:
        confirm(f"Replace the memory with {file}?", yes=yes, declined="Nothing was restored")
        saved = file.with_name(f"{file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        if save:
            with err.status("backing up the current memory …"):
                await _save(client, saved)
        with err.status("restoring …"):
            restored = await _restore(client, file, who)
    if as_json:
        emit_json({**restored.model_dump(mode="json"), "saved": str(saved) if save else None})
    else:
        _show_restored(restored, saved if save else None)


async def _restore(client: Client, file: Path, who: str) -> Restored:
    objects = await client.js.object_store(BACKUP_OBJECTS)
    digest = _digest(file)
    name = f"restore-{digest}"
    with file.open("rb") as content:
        await objects.put(name, content)
    request = RestoreBackup(object_name=name, sha256=digest, who=who or "unknown")
    restored = await client.rpc.request(
        MEMORY_RESTORE, request, patience_s=TIMEOUT_S, try_s=TIMEOUT_S
    )
    await objects.delete(name)
    return restored


def _show_restored(restored: Restored, saved: Path | None) -> None:
    facts, verdicts = count(restored.facts, "fact"), count(restored.verdicts, "verdict")
    out.print(
        f"Restored the memory of {restored.made_at:%Y-%m-%d %H:%M} UTC: {facts} and {verdicts}. "
        "It restarts now."
    )
    lost = f", {restored.lost} can't be" if restored.lost else ""
    out.print(f"Later verdicts and reviews: {restored.replayed} are added again{lost}.")
    previous = f" The previous memory is in {saved}." if saved else ""
    out.print(f"Ingest later documents again.{previous}", markup=False, soft_wrap=True)


async def _save(client: Client, file: Path) -> BackedUp:
    """Request a backup, download it, and write the file completely or not at all."""
    request = BackUp(backup_id=uuid4().hex)
    backup = await client.rpc.request(
        MEMORY_BACK_UP, request, patience_s=TIMEOUT_S, try_s=TIMEOUT_S
    )
    objects = await client.js.object_store(BACKUP_OBJECTS)
    partial = file.with_name(f"{file.name}.part")
    with partial.open("wb") as content:
        await objects.get(backup.object_name, writeinto=content)
    await objects.delete(backup.object_name)
    if _digest(partial) != backup.sha256:
        partial.unlink()
        raise ConfigurationError("The download is incomplete", "Try again")
    partial.replace(file)
    return backup


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
