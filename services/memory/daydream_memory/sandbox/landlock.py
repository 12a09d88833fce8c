"""Files, TCP and signals by Landlock (Linux 5.13 and newer), which needs no privilege."""

from __future__ import annotations

import ctypes
import os
import sys
import sysconfig

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # system calls, the same on every architecture
FILES_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
READ_FILE, READ_FOLDER = 1 << 2, 1 << 3
TCP_ABI, SCOPE_ABI = 4, 6  # bind and connect; signals and abstract sockets
PATHS = ("stdlib", "platstdlib", "purelib", "platlib")
# of the system: modules that load late are linked with libraries there
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo")


class LandlockRules(ctypes.Structure):
    """`struct landlock_ruleset_attr`. What is set here is denied unless a rule allows it."""

    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class BelowPath(ctypes.Structure):
    """`struct landlock_path_beneath_attr`."""

    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def readable_folders() -> set[str]:
    """Return the folders with code: readers import some modules only when they need them."""
    code = (*(sysconfig.get_paths()[name] for name in PATHS), *sys.path, *LIBRARIES)
    return {path for path in code if path not in ("", "/") and os.path.isdir(path)}


def restrict_access() -> bool:
    """Allow reading below `readable_folders` and nothing else. Return whether it holds.

    UDP is not covered by any version, so this alone does not stop a name look-up that carries data
    out: the filter of system calls does.
    """
    if sys.platform != "linux":
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    abi = max(0, libc.syscall(CREATE, None, 0, 1))
    if not abi:
        return False
    files = FILES_BY_ABI[max(known for known in FILES_BY_ABI if known <= abi)]
    rules = LandlockRules(files, 3 if abi >= TCP_ABI else 0, 3 if abi >= SCOPE_ABI else 0)
    size = 24 if abi >= SCOPE_ABI else 16 if abi >= TCP_ABI else 8
    ruleset = libc.syscall(CREATE, ctypes.byref(rules), size, 0)
    for path in readable_folders():
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        below = BelowPath(READ_FILE | READ_FOLDER, folder)
        libc.syscall(ADD_RULE, ruleset, 1, ctypes.byref(below), 0)
        os.close(folder)
    held: int = libc.syscall(RESTRICT, ruleset, 0)
    os.close(ruleset)
    return held == 0
