"""Say what the calibration of the judges will take, before it takes it."""

from __future__ import annotations

import asyncio
import time

from daydream_console.cli.output import err
from daydream_console.cli.report_critic import calibration_text
from daydream_console.client import Client
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.rpc import CriticState, EmptyRequest
from daydream_contracts.topology import CRITIC_STATE

ANNOUNCED_S_MAX = 5.0
POLL_S = 0.25
PATIENCE_S = 2.0


async def announce_calibration(client: Client) -> None:
    """Print what the calibration of the judges will take, if it is about to begin."""
    until = time.monotonic() + ANNOUNCED_S_MAX
    while time.monotonic() < until:
        state = await critic_state(client)
        if state is None:
            return
        if state.judge_calibration.state == "running":
            err.print(calibration_text(state.judge_calibration), markup=False)
        if state.judge_calibration.state != "waiting":
            return
        await asyncio.sleep(POLL_S)


async def critic_state(client: Client) -> CriticState | None:
    """Return the critic's report on itself, or None if it does not answer."""
    try:
        return await client.rpc.request(CRITIC_STATE, EmptyRequest(), patience_s=PATIENCE_S)
    except RetryLaterError:
        return None
