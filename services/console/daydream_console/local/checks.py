"""Check what a system on this machine needs: programs, folder, port, settings."""

from __future__ import annotations

import os
import shutil
import socket
from importlib import import_module
from importlib.util import find_spec

from daydream_console.local.folder import DATA_VARIABLE, DataFolder
from daydream_console.local.nats_program import nats_server
from daydream_console.local.readiness import TIMEOUT_VARIABLE
from daydream_console.local.stack import SERVICES, module_of
from daydream_contracts.errors import ConfigurationError
from daydream_runtime.health import bind
from daydream_runtime.unknown_settings import unknown_settings

DISK_BYTES_MIN = 1 << 30


def check_programs(*, serves_model: bool) -> str:
    """Find the programs that a local system needs. Return the path of nats-server."""
    missing = [service for service in SERVICES if find_spec(module_of(service)) is None]
    if missing:
        raise ConfigurationError(
            f"Services not installed: {', '.join(missing)}",
            "Run: pip install 'daydream-console[local]', or make setup in a git clone",
        )
    if serves_model and find_spec("xllamacpp") is None:
        raise ConfigurationError(
            "The runtime for local models is not installed",
            "Run pip install xllamacpp, or use another model with --base-url",
        )
    return str(nats_server())


def unknown_variables() -> list[str]:
    """Return a message for each variable that looks like a setting but is read by no service."""
    settings = [
        getattr(import_module(f"{module_of(service)}.settings"), f"{service.capitalize()}Settings")
        for service in SERVICES
        if find_spec(module_of(service))
    ]
    names = os.environ.keys() - {DATA_VARIABLE, TIMEOUT_VARIABLE}  # of the command itself
    return unknown_settings(settings, names, everything=True)


def check_port(port: int) -> str:
    """Check that the port of the web page is free (0: any)."""
    listener: socket.socket = bind("127.0.0.1", port)
    listener.close()
    return f"port {port} is free"


def check_folder(folder: DataFolder) -> str:
    """Check that the data folder is writable and has enough room."""
    folder.make()
    free_bytes = shutil.disk_usage(folder.path).free
    if free_bytes < DISK_BYTES_MIN:
        raise ConfigurationError(
            f"Only {free_bytes >> 20} MB free at {folder.path}",
            "Free some space, or choose another folder with --data",
        )
    return f"{folder.path}, {free_bytes >> 30} GB free"
