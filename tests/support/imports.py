"""Ask a new interpreter what it has imported: a test that counts modules depends on no clock."""

from __future__ import annotations

import subprocess
import sys

PRINT_MODULES = (
    "import atexit, sys\natexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
)


def modules_after(code: str) -> set[str]:
    """Return the full names of the modules that a new interpreter has imported after this code."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES + code],
        text=True,
        capture_output=True,
        timeout=60,
        check=True,
    )
    return set(done.stderr.split())
