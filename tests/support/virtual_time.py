"""An event loop whose time is virtual: a wait of minutes ends at once, in the same order."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

R = TypeVar("R")
START_S = 1000.0


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Let time pass only while nothing else can happen."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self._pass))
        self._virtual_s = START_S

    def time(self) -> float:
        return self._virtual_s

    def _pass(self, seconds: float) -> None:
        self._virtual_s += seconds


class _JumpingSelector(selectors.DefaultSelector):
    """Never wait: report the wait instead."""

    def __init__(self, passes: Callable[[float], None]) -> None:
        super().__init__()
        self._passes = passes

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("a coroutine waits for something that can never happen")
        if timeout > 0:
            self._passes(timeout)
        return super().select(0)


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


async def pass_time(seconds: float) -> None:
    """Let this much virtual time pass."""
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, done.set_result, None)
    await done
