"""Run a service that kills or stops itself at an exact point of its code, when a test says so.

    python -m support.fail_points FOLDER daydream_budget.gateway

A test arms a point with `arm`. The process that passes it next removes the file and strikes itself,
once. Times that only make tests slow are shorter here: what a killed gateway has authorized expires
in seconds.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

Fault = Literal["kill", "pause"]
GATEWAY_POINTS = (
    "before the call",
    "during the call",
    "after the answer is stored",
    "before settlement",
    "before the reply",
)
BUDGET_POINTS = ("before the commit", "after the commit")
STAGE_POINT = "before the acknowledgement"  # what the message led to is published
SIGNALS = {"kill": signal.SIGKILL, "pause": signal.SIGSTOP}
IN_CALL_S = 0.1  # the provider of the tests takes longer
SETTLE_GRACE_S = 5.0
ARMED = "armed"
GATEWAY, BUDGET = "daydream_budget.gateway", "daydream_budget"
P = ParamSpec("P")
R = TypeVar("R")


def arm(folder: Path, point: str, fault: Fault) -> None:
    """Have the process of this folder strike itself when it passes the point."""
    draft = folder / "draft"
    draft.write_text(f"{fault} {point}")
    draft.rename(folder / ARMED)


def has_struck(folder: Path) -> bool:
    """Return whether the process has passed the point that was armed last."""
    return not (folder / ARMED).exists()


class FailPoints:
    """The points of this process."""

    def __init__(self, folder: Path) -> None:
        self._armed = folder / ARMED

    def strike(self, point: str) -> None:
        """Kill or stop this process if the point is armed."""
        try:
            fault, _, armed = self._armed.read_text().partition(" ")
        except FileNotFoundError:
            return
        if armed == point:
            self._armed.unlink()
            os.kill(os.getpid(), SIGNALS[fault])

    def around(
        self, method: Callable[P, Awaitable[R]], before: str = "", after: str = ""
    ) -> Callable[P, Awaitable[R]]:
        """Return a method that passes points before and after it."""

        @wraps(method)
        async def passing(*args: P.args, **kwargs: P.kwargs) -> R:
            self.strike(before)
            result = await method(*args, **kwargs)
            self.strike(after)
            return result

        return passing

    def install_in_gateway(self) -> None:
        """Put the points into the gateway's classes. What the methods do stays the same."""
        from daydream_budget.gateway import attempts
        from daydream_budget.gateway.calls.claims import CallClaims
        from daydream_budget.gateway.providers.provider import Provider
        from daydream_budget.gateway.purchase import Purchases

        attempts.SETTLE_GRACE_S = SETTLE_GRACE_S
        attempt, settle = Provider.attempt, attempts.Attempts.settle

        async def attempt_with_points(provider: Provider, *args: Any) -> Any:
            self.strike("before the call")
            asyncio.get_running_loop().call_later(IN_CALL_S, self.strike, "during the call")
            return await attempt(provider, *args)

        def settle_with_point(owner: attempts.Attempts, *args: Any) -> None:
            self.strike("before settlement")
            settle(owner, *args)

        Provider.attempt = attempt_with_points  # type: ignore[method-assign, assignment]
        attempts.Attempts.settle = settle_with_point  # type: ignore[method-assign, assignment]
        CallClaims.store = self.around(  # type: ignore[method-assign, assignment]
            CallClaims.store, after="after the answer is stored"
        )
        Purchases.answer = self.around(  # type: ignore[method-assign, assignment]
            Purchases.answer, after="before the reply"
        )

    def install_in_budget(self) -> None:
        """Put the points into the ledger's classes."""
        from daydream_budget.ledger.tail import LedgerTail

        LedgerTail.publish = self.around(  # type: ignore[method-assign, assignment]
            LedgerTail.publish, before="before the commit", after="after the commit"
        )

    def install_in_stage(self) -> None:
        """Put the point before the acknowledgements of messages."""
        from nats.aio.msg import Msg

        Msg.ack = self.around(  # type: ignore[method-assign, assignment]
            Msg.ack, before=STAGE_POINT
        )


def main() -> None:
    """Run the module that is named on the command line. Load the classes of that service only."""
    folder, module = sys.argv[1:3]
    points = FailPoints(Path(folder))
    install = {GATEWAY: points.install_in_gateway, BUDGET: points.install_in_budget}
    install.get(module, points.install_in_stage)()
    sys.argv = sys.argv[2:3]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
