"""The latest alerts, read from their stream by place: no consumer is made for a look."""

from __future__ import annotations

import nats.errors
from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import ValidationError

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import AlertRaised, ContractModel
from daydream_contracts.topology import route_of

SHOWN = 20


class Alerts(ContractModel):
    """The latest first."""

    alerts: tuple[AlertRaised, ...]


async def alerts(js: JetStreamContext) -> Alerts:
    """Raises RetryLaterError when the stream can't be read."""
    stream = route_of(AlertRaised).stream
    found = []
    try:
        state = (await js.stream_info(stream)).state
        for sequence in range(
            state.last_seq, max(state.first_seq - 1, state.last_seq - SHOWN, 0), -1
        ):
            try:
                message = await js.get_msg(stream, seq=sequence)
                found.append(AlertRaised.model_validate_json(message.data or b""))
            except (NotFoundError, ValidationError):  # gone meanwhile, or of another version
                continue
    except (nats.errors.Error, TimeoutError) as error:
        raise RetryLaterError(f"the alerts can't be read: {type(error).__name__}") from error
    return Alerts(alerts=tuple(found))
