"""Define the event of a person's command."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from daydream_contracts.events.base import Message, derive_id


class CommandReceived(Message):
    """A person gave a command through the console. It is recorded before it is carried out."""

    who: str = Field(min_length=1)
    via: str = Field(
        description="how the person is known: token, session, proxy, loopback, command or mcp"
    )
    command: str = Field(description="method and path of the API")
    about: str = Field(default="", description="what it concerns, as sent, without secrets")
    why: str = ""
    received_at: datetime

    @property
    def message_id(self) -> str:
        return derive_id("command", self.who, self.command, self.received_at.isoformat())
