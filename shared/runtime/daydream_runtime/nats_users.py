"""Write the users of NATS: one key file per service, and the server's list with their permissions.

The server knows public keys only, so its configuration holds no secret. A key file holds the seed
of an NKEY, and is private to its owner. Keys that exist are kept; delete one to get a new one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nkeys

from daydream_contracts.permissions import USERS, inbox_of, permissions_of
from daydream_contracts.tenant import DAYDREAM, Renaming, to_tenant, user_name

KEY_BYTES = 32
REPLY_WITHIN = "1h"  # the longest reply to a request: a backup, or an erasure
USERS_FILE = "users.conf"
PRIVATE_FOLDER, PRIVATE_FILE, PUBLIC_FILE = 0o700, 0o600, 0o644


def write_users(folder: Path, tenants: Iterable[str] = (DAYDREAM,)) -> Path:
    """Write missing keys, and the list of all users. Return the list's path.

    The keys of another tenant than `daydream` are in a folder of its name.
    """
    users = []
    for tenant in tenants:
        own = folder if tenant == DAYDREAM else folder / tenant
        own.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        users += [_user(tenant, service, _public_key(own / f"{service}.nk")) for service in USERS]
    lines = ",\n".join(json.dumps(user) for user in users)
    text = f"# made by daydream-nats-users: run it again after an upgrade\nusers: [\n{lines}\n]\n"
    return _replace(folder / USERS_FILE, text, PUBLIC_FILE)


def _user(tenant: str, service: str, public_key: str) -> dict[str, Any]:
    """Return a user as the server's configuration has it, with the tenant's names."""
    allowed, names = permissions_of(service), to_tenant(tenant)
    publish = {"allow": _renamed(allowed.publish, names)}
    if allowed.publish_denied:
        publish["deny"] = _renamed(allowed.publish_denied, names)
    inbox = f"{inbox_of(user_name(tenant, service))}.>"
    subscribe = [subject for subject in allowed.subscribe if not subject.startswith("_INBOX")]
    return {
        "nkey": public_key,
        "permissions": {
            "publish": publish,
            "subscribe": {"allow": [inbox, *_renamed(subscribe, names)]},
            "allow_responses": {"max": 1, "expires": REPLY_WITHIN},
        },
    }


def _renamed(subjects: Iterable[str], names: Renaming) -> list[str]:
    return [names.subject(subject) for subject in subjects]


def _public_key(file: Path) -> str:
    """Return the public key of a seed. Make the seed if there is none."""
    if not file.exists():
        seed = nkeys.encode_seed(os.urandom(KEY_BYTES), nkeys.PREFIX_BYTE_USER)
        _replace(file, seed.decode(), PRIVATE_FILE)
    public_key: bytes = nkeys.from_seed(bytearray(file.read_bytes().strip())).public_key
    return public_key.decode()


def _replace(file: Path, text: str, mode: int) -> Path:
    """Write a file completely or not at all, with this mode from its first byte on."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as opened:
        opened.write(text)
    temporary.replace(file)
    return file
