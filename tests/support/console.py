"""A test client of the console's web application over fake collaborators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from nats.js import JetStreamContext
from starlette.testclient import TestClient

from daydream_console.web.app import web_app
from daydream_console.web.dependencies import WebServices
from daydream_console.web.event_fanout import EventFanout
from daydream_contracts.events import Message
from daydream_runtime.rpc import RpcClient


async def refuse_to_publish(message: Message) -> None:
    """Fail the test that expects no message."""
    raise AssertionError(f"unexpected message: {message}")


def console_client(
    rpc: Any = None,
    publish: Callable[[Message], Awaitable[None]] = refuse_to_publish,
    token: str = "right",
) -> TestClient:
    """Return a client that sends the token "right"."""
    services = WebServices(
        rpc=cast(RpcClient, rpc),
        js=cast(JetStreamContext, None),
        events=EventFanout(),
        publish=publish,
        stopping=asyncio.Event(),
        token=token,
    )
    return TestClient(web_app(services), headers={"authorization": "Bearer right"})
