"""What the routes of the console work with, and the kinds of parameters that they share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Path, Request

from daydream_console.client import Client
from daydream_console.insights.queries import InsightQueries
from daydream_console.loop_watch import LoopWatch
from daydream_console.spending.queries import SpendingQueries
from daydream_console.web.access import AccessRules, Identity, reader, writer
from daydream_console.web.event_log import EventLog
from daydream_console.web.problems import ProblemError
from daydream_contracts.events import CommandReceived, Message

ABOUT_CHARS = 1000
ID_CHARS_MAX = 200
TEXT_CHARS_MAX = 2000


@dataclass(frozen=True)
class ConsoleServices:
    """The collaborators of the routes."""

    client: Client
    insights: InsightQueries
    spending: SpendingQueries
    loop: LoopWatch
    events: EventLog
    access: AccessRules
    publish: Callable[[Message], Awaitable[None]]
    stopping: asyncio.Event
    trace_url: str = ""


def services_of(request: Request) -> ConsoleServices:
    """Return the collaborators of the application that handles this request."""
    services: ConsoleServices = request.app.state.services
    return services


Services = Annotated[ConsoleServices, Depends(services_of)]
Reader = Annotated[Identity, Depends(reader)]
Writer = Annotated[Identity, Depends(writer)]
InsightId = Annotated[
    str, Path(min_length=1, max_length=ID_CHARS_MAX, pattern=r"^[A-Za-z0-9_.:-]+$")
]


async def record_command(
    request: Request, identity: Identity, *, about: str = "", why: str = ""
) -> None:
    """Record who gives which command, before it is carried out."""
    await services_of(request).publish(
        CommandReceived(
            who=identity.who,
            via=identity.via,
            command=f"{request.method} {request.url.path}",
            about=about[:ABOUT_CHARS],
            why=why[:TEXT_CHARS_MAX],
            received_at=datetime.now(UTC),
        )
    )


def check_json(request: Request) -> None:
    """Demand a JSON body: no page of another site can send one without being asked first."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type != "application/json":
        raise ProblemError(
            415, "unsupported-media-type", "The body is no JSON", "Send application/json"
        )
