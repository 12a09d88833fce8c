"""daydream-nats-backup: save all that daydream has in NATS to a folder, and restore it.

    daydream-nats-backup save backups/2026-06-01       while everything runs
    daydream-nats-backup restore backups/2026-06-01    into an empty NATS, before provisioning

It is a program apart from the services, and has its own NATS user, `backup`.

Exit codes: 0 done; 2 for a wrong setting, a refusal of the server or a damaged backup, with one
line that names the fix.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NoReturn

import nats.errors

from daydream_contracts.errors import ConfigurationError
from daydream_runtime.lifecycle import EXIT_CONFIGURATION
from daydream_runtime.nats_backup import SavedStreams, restore, save
from daydream_runtime.nats_client import PermissionDeniedError
from daydream_runtime.nats_connection import open_connection
from daydream_runtime.nats_url import NatsAddress
from daydream_runtime.service_log import start_logging
from daydream_runtime.settings import ServiceSettings

ACTS = {"save": save, "restore": restore}


class BackupSettings(ServiceSettings):
    """The settings of `daydream-nats-backup`."""

    service: ClassVar[str] = "backup"


async def back_up_at(address: NatsAddress, act: str, folder: Path) -> SavedStreams:
    """Connect, `save` or `restore`, and disconnect. Raise ConfigurationError with the fix."""
    nc = await open_connection(address)
    try:
        return await ACTS[act](nc, folder)
    except PermissionDeniedError as error:
        raise ConfigurationError(
            str(error).partition(": ")[0],
            "Use the key of the user backup, which daydream-nats-users writes; after an upgrade, "
            "write the users again",
        ) from None
    except nats.errors.TimeoutError:
        raise ConfigurationError("NATS does not answer", "Check that JetStream runs") from None
    finally:
        await nc.close()


def run(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="daydream-nats-backup", description="Save all streams to a folder, or restore them."
    )
    parser.add_argument("act", choices=[*ACTS])
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    try:
        settings = BackupSettings.read()
        start_logging(settings.service, settings.instance, settings.log_level)
        contents = asyncio.run(back_up_at(settings.nats_address, options.act, options.folder))
    except ConfigurationError as error:
        sys.stderr.write(f"daydream-nats-backup: {error.problem}. {error.fix}\n")
        return EXIT_CONFIGURATION
    messages = sum(row.description["state"]["messages"] for row in contents.streams)
    sys.stdout.write(
        f"{options.folder}: {len(contents.streams)} streams with {messages} messages, "
        f"of {contents.made_at:%Y-%m-%d %H:%M} UTC.\n"
    )
    return 0


def main() -> NoReturn:
    """Run the command, and exit."""
    sys.exit(run())


if __name__ == "__main__":
    main()
