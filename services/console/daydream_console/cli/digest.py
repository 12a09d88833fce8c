"""Print or send a digest of the best new insights."""

from __future__ import annotations

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import INSIGHT_READERS, connection
from daydream_console.cli.insight_options import Since, moment_or_none
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json
from daydream_console.digest.build import DigestRequest, build_digest
from daydream_console.digest.content import Digest
from daydream_console.digest.format_names import FORMAT_NAMES
from daydream_console.digest.formats import FORMATS, digest_values
from daydream_console.local.folder import DataFolder, default_folder
from daydream_contracts.errors import ConfigurationError

PERIOD = timedelta(days=1)
FILE_VARIABLE = "DAYDREAM_CONSOLE_DIGESTS_FILE"


@command
async def digest_command(
    since: Since = "",
    top: Annotated[int, typer.Option(min=1, max=50, help="Maximum number of insights.")] = 5,
    reader: Annotated[
        str,
        typer.Option(
            envvar="USER", help="Reader, as named in reviews: past reviews change the order."
        ),
    ] = "",
    form: Annotated[
        str, typer.Option("--format", help=f"Format: {', '.join(FORMAT_NAMES)}.")
    ] = "markdown",
    send: Annotated[
        str,
        typer.Option(
            "--send", help=f"Send the digest of this name, from {FILE_VARIABLE}, at once."
        ),
    ] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print the best new insights: by worth, by what you accepted before, and an improbable one.

    The default period is the last 24 hours. The console sends digests every day: see the docs.

    Examples:
        daydream digest --since yesterday --top 5
        daydream digest --format html > digest.html
        daydream digest --send ada-by-mail
    """
    if form not in FORMATS:
        raise ConfigurationError(f"Unknown format: {form}", f"Use one of {', '.join(FORMATS)}")
    now = datetime.now(UTC)
    request = DigestRequest(
        reader=reader,
        since=moment_or_none(since) or now - PERIOD,
        until=now,
        top=top,
        page_url=_page_url(DataFolder(data or default_folder())),
    )
    async with connection(data, INSIGHT_READERS) as client:
        digest = await build_digest(client.rpc, client.js, request)
    if send:
        await _send(digest, send)
    elif as_json:
        emit_json(digest_values(digest))
    else:
        print(FORMATS[form](digest), end="")


def _page_url(folder: DataFolder) -> str:
    """Return the address of the page: the setting, or that of the running system."""
    configured = os.environ.get("DAYDREAM_CONSOLE_PUBLIC_URL", "")
    return configured or str(folder.read("running.json").get("console_url", ""))


async def _send(digest: Digest, name: str) -> None:
    from daydream_console.digest.config import read_config
    from daydream_console.digest.delivery import deliver

    file = os.environ.get(FILE_VARIABLE)
    if not file:
        raise ConfigurationError("No digest is configured", f"Set {FILE_VARIABLE}")
    config = read_config(Path(file))
    password = os.environ.get("DAYDREAM_CONSOLE_SMTP_PASSWORD", "")
    where = await asyncio.to_thread(deliver, digest, config.plan(name), config, password)
    print(f"Sent to {where}.")
