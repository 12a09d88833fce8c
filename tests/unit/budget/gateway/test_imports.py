"""The gateway starts fast: what only some of its uses need is not imported at the start."""

from __future__ import annotations

import subprocess
import sys

import pytest

FOR_SERVICES = {"faststream", "nats", "opentelemetry", "starlette", "uvicorn"}


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("daydream_budget.gateway.app", {"openai"}),  # only tests need it
        ("daydream_budget.gateway.tools.command", {"openai", *FOR_SERVICES}),
    ],
)
def test_a_start_imports_nothing_that_it_does_not_need(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], text=True, capture_output=True, timeout=120, check=True
    )
    assert not {name.partition(".")[0] for name in done.stdout.split()} & absent
