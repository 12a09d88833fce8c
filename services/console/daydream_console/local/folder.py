"""The data folder: everything that a system on this machine stores, and the lock that allows one at
a time.

nats/        streams, with the ledger; keys       memory/       the SQLite store
logs/        one log per process                  running.json  address of the running system
run.json     goal of the last run, to continue
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shlex
from pathlib import Path
from typing import IO, Any

from platformdirs import user_cache_path, user_data_path

from daydream_contracts.errors import ConfigurationError
from daydream_runtime.nats_login import NatsLogin
from daydream_runtime.nats_url import NatsAddress

DATA_VARIABLE = "DAYDREAM_DATA"
PARTS = ("nats", "memory", "logs", "console")
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600


def default_folder() -> Path:
    """Return `$DAYDREAM_DATA`, or the platform's folder for program data."""
    configured = os.environ.get(DATA_VARIABLE)
    return Path(configured) if configured else user_data_path("daydream")


def model_cache() -> Path:
    """Return the folder for downloaded weights. All data folders share it."""
    return user_cache_path("daydream") / "models"


class DataFolder:
    """One data folder, locked while its system is running."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: IO[str] | None = None

    def make(self) -> None:
        """Create the folder, private to its owner. Raise ConfigurationError if it can't be written.

        An existing folder keeps its own mode, since a person chose it. What is in there is private.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            for name in PARTS:
                (self.path / name).mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
                (self.path / name).chmod(PRIVATE_FOLDER)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"The data folder {self.path} is not writable ({error.strerror})",
                "Choose another one with --data or DAYDREAM_DATA",
            ) from None

    def hold(self) -> bool:
        """Take the lock, which ends with this process. Return False if a running system has it."""
        (self.path / "lock").touch(mode=PRIVATE_FILE)
        lock = (self.path / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            return False
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        return True

    def is_gone(self) -> bool:
        """Return whether the folder that this process holds was removed, or replaced."""
        if self._lock is None:
            return False
        try:
            current = (self.path / "lock").stat()
        except OSError:
            return True
        return not os.path.samestat(current, os.fstat(self._lock.fileno()))

    def is_held(self) -> bool:
        """Return whether a system has the lock. Create nothing and keep nothing."""
        try:
            with (self.path / "lock").open() as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    @property
    def holder(self) -> str:
        """Return " (process N)" for the process that has the lock, or an empty string."""
        try:
            pid = (self.path / "lock").read_text()
        except OSError:
            return ""
        return f" (process {pid})" if pid else ""

    @property
    def option(self) -> str:
        """Return the option that another command needs for this folder: empty for the default."""
        if self.path == user_data_path("daydream").absolute():
            return ""
        return f" --data {shlex.quote(str(self.path))}"

    def release(self) -> None:
        """Release the lock."""
        (self.path / "running.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def token(self) -> str:
        """Return the secret that this folder's processes share. It is created once."""
        file = self.path / "nats" / "token"
        if not file.exists():
            file.touch(mode=PRIVATE_FILE)
            file.write_text(secrets.token_hex(16))
        return file.read_text()

    @property
    def keys(self) -> Path:
        """Return the folder of the NATS users' keys, one file per service."""
        return self.path / "nats" / "keys"

    def nats_address(self, url: str, service: str) -> NatsAddress:
        """Return the address of this folder's NATS, with the key of a service."""
        return NatsAddress.of([url], NatsLogin(service, nkey_file=self.keys / f"{service}.nk"))

    def read(self, name: str) -> dict[str, Any]:
        """Return the content of a small JSON file, or an empty dictionary if it can't be read."""
        try:
            content: dict[str, Any] = json.loads((self.path / name).read_text())
        except (OSError, json.JSONDecodeError):
            return {}
        return content

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a small JSON file, completely or not at all."""
        temporary = self.path / f".{name}.{os.getpid()}"
        temporary.touch(mode=PRIVATE_FILE)
        temporary.write_text(json.dumps(content, indent=1))
        temporary.replace(self.path / name)
