"""The data folder: everything that a system on this machine keeps, and the lock that lets one run at a time.

nats/        streams, the ledger among them      memory/      the embedded store
logs/        a log for each process               running.json where the running system answers
run.json     the last run's goal, to go on from
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import IO, Any

from platformdirs import user_cache_path, user_data_path

from daydream_contracts.errors import ConfigurationError


def default_folder() -> Path:
    """`$DAYDREAM_DATA`, or the platform's place for data of programs."""
    given = os.environ.get("DAYDREAM_DATA")
    return Path(given) if given else user_data_path("daydream")


def model_cache() -> Path:
    """Where fetched weights are kept, shared by all data folders."""
    return user_cache_path("daydream") / "models"


class DataFolder:
    """One folder, held while its system runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: IO[str] | None = None

    def make(self) -> None:
        """Create it. ConfigurationError when it can't be written."""
        try:
            for name in ("nats", "memory", "logs"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            probe = self.path / f".probe-{os.getpid()}"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise ConfigurationError(
                f"the data folder {self.path} can't be written ({error.strerror})",
                "Give another one with --data or DAYDREAM_DATA",
            ) from None

    def hold(self) -> bool:
        """Take the lock, which ends with this process. False when a running system has it."""
        self._lock = (self.path / "lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            return False
        return True

    def release(self) -> None:
        """Give the lock back."""
        (self.path / "running.json").unlink(missing_ok=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def token(self) -> str:
        """The secret between this folder's processes, made once."""
        file = self.path / "nats" / "token"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(secrets.token_hex(16))
        return file.read_text()

    @property
    def console_token(self) -> str:
        """What the page shows to be allowed to change limits: made from the folder's secret, which it does not tell."""
        return hashlib.sha256(f"console {self.token}".encode()).hexdigest()[:32]

    def read(self, name: str) -> dict[str, Any]:
        """A small JSON file of the folder; empty when it isn't there."""
        try:
            found: dict[str, Any] = json.loads((self.path / name).read_text())
        except (OSError, json.JSONDecodeError):
            return {}
        return found

    def write(self, name: str, content: dict[str, Any]) -> None:
        """Replace a small JSON file, all or nothing."""
        temporary = self.path / f".{name}.{os.getpid()}"
        temporary.touch(mode=0o600)
        temporary.write_text(json.dumps(content, indent=1))
        temporary.replace(self.path / name)
