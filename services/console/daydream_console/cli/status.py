"""Show what the system is doing."""

from __future__ import annotations

from datetime import timedelta

from daydream_console.alerts import alerts_since
from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json
from daydream_console.cli.output import emit_json
from daydream_console.cli.status_view import show_alerts, show_diagnosis, show_status
from daydream_console.diagnosis import diagnose
from daydream_console.overview import overview

ALERTS_SHOWN = timedelta(days=1)  # older ones are on the page


@command
async def status_command(data: Data = None, as_json: Json = False) -> None:
    """Show why nothing is happening if so, memory, sampler, pending work, alerts and spend."""
    async with connection(data) as client:
        state = await overview(client.rpc, client.js)
        alerts = await alerts_since(client.js, state.at - ALERTS_SHOWN)
    if as_json:
        diagnosis = {"diagnosis": diagnose(state).model_dump(mode="json")}
        emit_json(state.model_dump(mode="json") | alerts.model_dump(mode="json") | diagnosis)
    else:
        show_diagnosis(diagnose(state))
        show_status(state)
        show_alerts(alerts)
