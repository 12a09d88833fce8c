"""Show what the system is doing."""

from __future__ import annotations

from datetime import timedelta

from daydream_console.alerts import alerts_since
from daydream_console.cli.calibration_notice import critic_state
from daydream_console.cli.command import command
from daydream_console.cli.connection import running_address
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json, out
from daydream_console.cli.status_view import (
    show_alerts,
    show_calibration,
    show_diagnosis,
    show_status,
)
from daydream_console.client import connected
from daydream_console.diagnosis import diagnose
from daydream_console.local.folder import DataFolder, default_folder
from daydream_console.overview import overview

ALERTS_SHOWN = timedelta(days=1)  # older ones are on the page


@command
async def status_command(data: Data = None, as_json: Json = False) -> None:
    """Show why nothing is happening if so, memory, sampler, pending work, alerts and spend.

    Start nothing.

    Examples:
        daydream status
    """
    folder = DataFolder(data or default_folder())
    address = running_address(folder)
    if address is None:
        _show_stopped(folder, as_json=as_json)
        return
    async with connected(address) as client:
        state = await overview(client.rpc, client.js)
        alerts = await alerts_since(client.js, state.at - ALERTS_SHOWN)
        critic = await critic_state(client)
    calibration = critic.judge_calibration if critic else None
    if as_json:
        values = state.model_dump(mode="json") | alerts.model_dump(mode="json")
        values["calibration"] = calibration.model_dump(mode="json") if calibration else None
        emit_json({"running": True, "diagnosis": diagnose(state).model_dump(mode="json"), **values})
    else:
        show_diagnosis(diagnose(state))
        if calibration:
            show_calibration(calibration)
        show_status(state)
        show_alerts(alerts)


def _show_stopped(folder: DataFolder, *, as_json: bool) -> None:
    """Say that nothing runs, and which commands start or read what is stored."""
    start, read = f"daydream up{folder.option}", f"daydream insights{folder.option}"
    if as_json:
        emit_json({"running": False, "data": str(folder.path), "fix": f"Start it: {start}"})
        return
    out.print(f"daydream is stopped in {folder.path}.", markup=False)
    out.print(f"Start it: {start}", markup=False)
    if (folder.path / "memory").exists():
        out.print(f"Read what it has found: {read}", markup=False)
