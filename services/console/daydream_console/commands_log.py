"""Read who gave which command, from its stream."""

from __future__ import annotations

from nats.js import JetStreamContext
from nats.js.errors import NotFoundError
from pydantic import ValidationError

from daydream_contracts.events import CommandReceived, ContractModel
from daydream_contracts.topology import route_of


class CommandLog(ContractModel):
    """Commands, the latest first."""

    commands: tuple[CommandReceived, ...]


async def latest_commands(js: JetStreamContext, limit: int) -> CommandLog:
    """Return up to `limit` commands."""
    stream = route_of(CommandReceived).stream
    state = (await js.stream_info(stream)).state
    oldest = max(state.first_seq - 1, state.last_seq - limit, 0)
    commands = []
    for sequence in range(state.last_seq, oldest, -1):
        try:
            message = await js.get_msg(stream, seq=sequence)
            commands.append(CommandReceived.model_validate_json(message.data or b""))
        except (NotFoundError, ValidationError):  # deleted, or of another version
            continue
    return CommandLog(commands=tuple(commands))
