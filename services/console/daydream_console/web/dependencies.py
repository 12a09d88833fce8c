"""What the endpoints of the console work with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from nats.js import JetStreamContext
from starlette.requests import Request

from daydream_console.web.event_fanout import EventFanout
from daydream_contracts.events import Message
from daydream_runtime.rpc import RpcClient


@dataclass(frozen=True)
class WebServices:
    """The collaborators of the endpoints. `token` protects changes; empty: changes are off."""

    rpc: RpcClient
    js: JetStreamContext
    events: EventFanout
    publish: Callable[[Message], Awaitable[None]]
    stopping: asyncio.Event
    token: str = field(repr=False)


def services_of(request: Request) -> WebServices:
    """Return the collaborators of the application that handles this request."""
    services: WebServices = request.app.state.services
    return services
