"""Track a service from its first moment to its exit.

States: starting → ready → stopping. The exit code is 0 after a stop by signal. It is 75 after a
request to restart, and after the connection to NATS was closed for good.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging

log = logging.getLogger(__name__)
EXIT_OK, EXIT_CONFIGURATION, EXIT_RESTART = 0, 2, 75


class Lifecycle:
    """Hold the stop event, the exit code and the failure of one service."""

    def __init__(self) -> None:
        self.stopping = asyncio.Event()
        self.ready = False
        self.exit_code = EXIT_OK
        self.failure: BaseException | None = None

    def stop(self) -> None:
        """Begin an orderly stop. Further calls have no effect."""
        self.stopping.set()

    def restart(self, reason: str) -> None:
        """Stop in order with exit code 75, so that the supervisor starts the service again."""
        if not self.stopping.is_set():
            log.info("restarting: %s", reason)
            self.exit_code = EXIT_RESTART
            self.stop()

    def fail(self, error: BaseException) -> None:
        """Stop because a background loop failed.

        `raise_failure` raises its error after the stop.
        """
        self.failure = self.failure or error
        self.stop()

    def raise_failure(self) -> None:
        """Raise the error that ended the service, if there is one."""
        if self.failure is not None:
            raise self.failure

    async def connection_closed(self) -> None:
        """Stop with exit code 75, unless the service is stopping already."""
        if not self.stopping.is_set():
            log.error("the connection to NATS is closed for good")
            self.exit_code = EXIT_RESTART
            self.stop()

    async def pause(self, seconds: float) -> None:
        """Wait for `seconds`, or until the stop begins."""
        # wait_for of Python 3.11 swallows a cancellation that comes together with the event
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.stopping.wait()
