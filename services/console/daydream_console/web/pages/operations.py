"""Dead letters, settings in force, and the record of commands."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from daydream_console.alerts import latest_alerts
from daydream_console.commands_log import latest_commands
from daydream_console.web.api.dead_letters import Number, detail_of, letter_of, letters_page
from daydream_console.web.api.loop import settings_of
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import Reader, Services

router = APIRouter()
COMMANDS_SHOWN = 50


@router.get("/dead-letters")
async def dead_letters(
    request: Request,
    services: Services,
    _: Reader,
    cursor: Annotated[str, Query(pattern=r"^[0-9]{0,15}$")] = "",
) -> HTMLResponse:
    """Show messages that a service gave up on."""
    shown = await letters_page(services, int(cursor or 0), 50)
    return await page(
        request,
        "dead_letters.html",
        letters=shown,
        next_page=with_parameters(request, cursor=shown.next_cursor) if shown.next_cursor else "",
    )


@router.get("/dead-letters/{number}")
async def dead_letter(
    request: Request, number: Number, services: Services, _: Reader
) -> HTMLResponse:
    """Show one dead letter with its message."""
    letter = detail_of(await letter_of(services, number))
    return await page(request, "dead_letter.html", letter=letter)


@router.get("/settings")
async def settings(request: Request, services: Services, _: Reader) -> HTMLResponse:
    """Show settings in force with their origin, alerts, and who gave which command."""
    return await page(
        request,
        "settings.html",
        reports=await settings_of(services),
        commands=(await latest_commands(services.client.js, COMMANDS_SHOWN)).commands,
        alerts=(await latest_alerts(services.client.js)).alerts,
    )
