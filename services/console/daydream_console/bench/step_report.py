"""Say which step a benchmark is at: on the bar, and on lines where no bar can be shown."""

from __future__ import annotations

import time

from rich.progress import Progress

from daydream_console.cli.output import err


class StepReport:
    """Called with each step. Of many steps, one in `every_s` seconds is printed."""

    def __init__(self, progress: Progress, label: str, every_s: float = 0.0) -> None:
        self._progress = progress
        self._label = label
        self._every_s = every_s
        self._task = progress.add_task(label, total=None)
        self._printed = float("-inf")

    def __call__(self, text: str) -> None:
        line = f"{self._label}: {text}"
        self._progress.update(self._task, description=line)
        if not err.is_terminal and time.monotonic() - self._printed >= self._every_s:
            self._printed = time.monotonic()
            err.print(line, markup=False)
