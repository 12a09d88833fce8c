"""Take network, files, processes and signals from a worker, and check what really holds.

A layer can be missing (an old kernel, another system), so `probe` tries what is forbidden. No layer
can be undone without privileges.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

from daydream_memory.sandbox.landlock import restrict_access
from daydream_memory.sandbox.seccomp_filter import filter_calls

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
LAYERS = ("seccomp", "landlock")


def confine(without: frozenset[str] = frozenset()) -> None:
    """Apply each layer that this machine has. Call it in the worker, once the readers are loaded.

    `without` names layers to leave out, so that a test sees what the others hold.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if "landlock" not in without:
        restrict_access()
    if "seccomp" in without or not filter_calls():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))  # no fork; does not bind root


def probe() -> dict[str, bool]:
    """Try what must fail, and tell for each whether it did."""
    return {
        "network": _denied(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)),
        "files": _denied(lambda: os.open("/etc/passwd", os.O_RDONLY)),
        "processes": _denied(_fork),
        "signals": _denied(lambda: os.kill(os.getppid(), 0)),
    }


def _denied(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except OSError:
        return True
    return False


def _fork() -> None:
    if not os.fork():
        os._exit(0)
