"""Background loops end at the stop, also those whose first cancellation is lost."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from daydream_runtime import application
from daydream_runtime.application import end_tasks
from daydream_runtime.lifecycle import Lifecycle


async def test_a_pause_that_is_cancelled_together_with_the_stop_ends_its_loop() -> None:
    lifecycle = Lifecycle()
    rounds = 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await lifecycle.pause(60)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    lifecycle.stop()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert (task.cancelled(), rounds) == (True, 1)


async def test_a_task_that_loses_a_cancellation_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(application, "CANCEL_AGAIN_S", 0.01)
    lost = 0

    async def loses_two() -> None:
        nonlocal lost
        while True:
            with contextlib.suppress(asyncio.CancelledError if lost < 2 else TimeoutError):
                await asyncio.Event().wait()
            lost += 1

    async def fails() -> None:
        raise OSError

    tasks = [asyncio.create_task(loses_two()), asyncio.create_task(fails())]
    await asyncio.sleep(0)
    await end_tasks(tasks)
    assert lost == 2
    assert all(task.done() for task in tasks)
