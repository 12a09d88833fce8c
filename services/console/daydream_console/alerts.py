"""Read the latest alerts from their stream, by sequence. No consumer is created for it."""

from __future__ import annotations

from datetime import datetime

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import ValidationError

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import AlertRaised, ContractModel
from daydream_contracts.topology import route_of

SHOWN_MAX = 20


class Alerts(ContractModel):
    """Alerts, newest first."""

    alerts: tuple[AlertRaised, ...]


async def alerts_since(js: JetStreamContext, since: datetime) -> Alerts:
    """Return the alerts since a moment, as `latest_alerts` does."""
    latest = await latest_alerts(js)
    return Alerts(alerts=tuple(alert for alert in latest.alerts if alert.raised_at >= since))


async def latest_alerts(js: JetStreamContext) -> Alerts:
    """Return up to 20 alerts. Raise RetryLaterError if the stream can't be read."""
    stream = route_of(AlertRaised).stream
    alerts = []
    try:
        state = (await js.stream_info(stream)).state
        oldest = max(state.first_seq - 1, state.last_seq - SHOWN_MAX, 0)
        for sequence in range(state.last_seq, oldest, -1):
            try:
                message = await js.get_msg(stream, seq=sequence)
                alerts.append(AlertRaised.model_validate_json(message.data or b""))
            except (NotFoundError, ValidationError):  # deleted meanwhile, or of another version
                continue
    except (nats.errors.Error, TimeoutError) as error:
        raise RetryLaterError(f"the alerts can't be read: {type(error).__name__}") from error
    return Alerts(alerts=tuple(alerts))
