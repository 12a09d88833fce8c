"""`daydream backup`: copies of the memory while it runs, and their way back."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from daydream_console.cli.options import Data, Json, Who
from daydream_console.cli.output import emit_json, err, out
from daydream_console.cli.session import perform, reading
from daydream_console.client import Client
from daydream_console.local.folder import default_folder
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import BackedUp, BackUp, RestoreBackup
from daydream_contracts.topology import BACKUP_OBJECTS, MEMORY_BACK_UP, MEMORY_RESTORE

PATIENCE_S = 3600.0


def backup_save(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; it must not exist yet.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Save everything that the memory knows: facts, vectors, verdicts, reviews. The money's ledger is NATS's, and not in it."""
    if file.exists():
        raise typer.BadParameter(f"{file} exists already")

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            with err.status("copying …"):
                found = await _save(client, file)
        if as_json:
            emit_json({**found.model_dump(mode="json"), "file": str(file)})
        else:
            out.print(
                f"{file}: {found.facts} facts and {found.verdicts} verdicts, {found.size_bytes / 1e6:.1f} MB.",
                markup=False,
                soft_wrap=True,
            )

    perform(work, as_json=as_json)


def backup_restore(
    file: Annotated[
        Path,
        typer.Argument(
            help="A file that daydream backup save wrote.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ],
    save: Annotated[
        bool,
        typer.Option(
            "--save/--no-save", help="Save the memory as it is now first, beside the file."
        ),
    ] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Put a saved memory in the place of the one that runs. What was judged since is taken in again; what was ingested since is not."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            if not yes and not typer.confirm(f"Put {file} in the place of the memory?", err=True):
                raise ConfigurationError("nothing was restored", "Say yes, or give --yes")
            beside = file.with_name(f"{file.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
            if save:
                with err.status("saving the memory as it is …"):
                    await _save(client, beside)
            objects = await client.js.object_store(BACKUP_OBJECTS)
            digest = _digest(file)
            with err.status("restoring …"):
                with file.open("rb") as opened:
                    await objects.put(f"restore-{digest}", opened)
                request = RestoreBackup(
                    object_name=f"restore-{digest}", sha256=digest, who=who or "unknown"
                )
                done = await client.ask(
                    MEMORY_RESTORE, request, patience_s=PATIENCE_S, try_s=PATIENCE_S
                )
                await objects.delete(f"restore-{digest}")
        if as_json:
            emit_json({**done.model_dump(mode="json"), "saved": str(beside) if save else None})
            return
        out.print(
            f"The memory is that of {done.made_at:%Y-%m-%d %H:%M} UTC: {done.facts} facts and {done.verdicts} verdicts; it starts anew now."
        )
        out.print(
            f"{done.again} verdicts and words of people since then are taken in again"
            + (f", {done.gone} are gone." if done.gone else ".")
        )
        out.print(
            "Ingest again what was added since then."
            + (f" As it was before, it is in {beside}." if save else ""),
            markup=False,
            soft_wrap=True,
        )

    perform(work, as_json=as_json)


async def _save(client: Client, file: Path) -> BackedUp:
    """Have a copy made, fetch it, and write it whole or not at all."""
    found = await client.ask(
        MEMORY_BACK_UP, BackUp(backup_id=uuid4().hex), patience_s=PATIENCE_S, try_s=PATIENCE_S
    )
    objects = await client.js.object_store(BACKUP_OBJECTS)
    coming = file.with_name(f"{file.name}.part")
    with coming.open("wb") as opened:
        await objects.get(found.object_name, writeinto=opened)
    await objects.delete(found.object_name)
    if _digest(coming) != found.sha256:
        coming.unlink()
        raise ConfigurationError("the copy did not come over whole", "Try again")
    coming.replace(file)
    return found


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
