"""What sampler and judges are worth."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from daydream_console.web.pages.render import page
from daydream_console.web.services import ConsoleServices, Reader, Services
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import EmptyRequest
from daydream_contracts.topology import CRITIC_STATE, SYNTHESIZER_STATE, Endpoint

router = APIRouter()
PATIENCE_S = 1.5


@router.get("/sampler")
async def sampler_page(request: Request, services: Services, _: Reader) -> HTMLResponse:
    """Show the yield of each strategy, and of each writer."""
    return await page(
        request,
        "sampler.html",
        sampler=(await services.loop.state()).sampler,
        writers=await _ask(services, SYNTHESIZER_STATE),
    )


@router.get("/judges")
async def judges_page(request: Request, services: Services, _: Reader) -> HTMLResponse:
    """Show judges, canaries, calibration and gates."""
    return await page(request, "judges.html", critic=await _ask(services, CRITIC_STATE))


async def _ask(services: ConsoleServices, endpoint: Endpoint[EmptyRequest, Any]) -> Any:
    try:
        return await services.client.rpc.request(endpoint, EmptyRequest(), patience_s=PATIENCE_S)
    except DaydreamError:
        return None
