"""Run single services as real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from daydream_console.local.processes import free_port
from support.programs import answers, clean_environment, until


@contextmanager
def service(
    name: str,
    nats_url: str,
    folder: Path,
    *,
    ready: bool = True,
    launcher: Sequence[str] = (),
    **environment: str,
) -> Iterator[subprocess.Popen[str]]:
    """Run `python -m daydream_<name>` until it is ready. Kill it at the end if it still runs.

    A `launcher` is a module, and its arguments, that runs the module of the service.
    """
    port = int(environment.get("DAYDREAM_HTTP_PORT", 0)) or free_port()
    folder.mkdir(parents=True, exist_ok=True)
    own = {
        "DAYDREAM_NATS_URL": nats_url,
        "DAYDREAM_HTTP_PORT": str(port),
        "DAYDREAM_MEMORY_FOLDER": str(folder / "memory"),
    }
    with (folder / f"{name}-{port}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *launcher, f"daydream_{name}"],
            env=clean_environment(folder, **{**own, **environment}),
            stderr=log,
            stdout=log,
            text=True,
        )
    try:
        if ready:
            until(
                lambda: answers(f"http://127.0.0.1:{port}/readyz") or process.poll() is not None,
                f"{name} to be ready",
                patience_s=120,
            )
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
