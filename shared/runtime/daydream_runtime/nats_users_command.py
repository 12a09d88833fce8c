"""daydream-nats-users: write key files and the server's list of users, for your NATS.

    daydream-nats-users --folder nats-users
    daydream-nats-users --folder nats-users --tenant acme --tenant globex

Include `users.conf` in the server's configuration, in `authorization { … }` or in an account, and
reload the server. Give each service its own `.nk` file, with DAYDREAM_NATS_NKEY_FILE. Run the
command again after an upgrade: it keeps the keys.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from daydream_contracts.permissions import USERS
from daydream_contracts.tenant import DAYDREAM, TENANT
from daydream_runtime.lifecycle import EXIT_CONFIGURATION
from daydream_runtime.nats_users import write_users


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files. Return 0, or 2 with one line that names the fix."""
    parser = argparse.ArgumentParser(
        prog="daydream-nats-users",
        description="Write a key for each service, and the users of a NATS server with their "
        "permissions. Keys that exist are kept; delete a file to get a new key.",
    )
    parser.add_argument("--folder", type=Path, required=True, help="folder for the files")
    parser.add_argument(
        "--tenant",
        action="append",
        default=[],
        help=f"name in DAYDREAM_TENANT. Repeatable. Default: {DAYDREAM}",
    )
    options = parser.parse_args(arguments)
    tenants = options.tenant or [DAYDREAM]
    if wrong := [tenant for tenant in tenants if not TENANT.fullmatch(tenant)]:
        return _fail(f"{wrong[0]!r} is no name of a tenant. Use a-z, 0-9 and _, a letter first.")
    try:
        list_file = write_users(options.folder, tenants)
    except (OSError, ValueError) as error:
        return _fail(f"{options.folder}: {error}. Choose another folder, or delete a broken key.")
    count = len(USERS) * len(tenants)
    sys.stdout.write(f"{count} users. Include {list_file} in the server's configuration.\n")
    return 0


def _fail(line: str) -> int:
    sys.stderr.write(f"daydream-nats-users: {line}\n")
    return EXIT_CONFIGURATION


if __name__ == "__main__":
    sys.exit(main())
