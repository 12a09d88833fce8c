"""Documents, what was lost of each at ingest, and search."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse

from daydream_console.web.api.memory import DocumentCursor, documents_page
from daydream_console.web.api.memory_map import map_of
from daydream_console.web.api.visibility import preview
from daydream_console.web.pages.map_drawing import drawing_of
from daydream_console.web.pages.render import page, with_parameters
from daydream_console.web.services import InsightId, Reader, Services
from daydream_contracts.errors import DaydreamError
from daydream_contracts.rpc import Search, SearchHit
from daydream_contracts.topology import MEMORY_SEARCH

router = APIRouter()
PAGE = 100
MAP_ROWS = 50


@router.get("/documents")
async def documents(
    request: Request,
    services: Services,
    _: Reader,
    under: Annotated[str, Query(max_length=4000)] = "",
    text: Annotated[str, Query(max_length=500)] = "",
    show: str = "current",
    cursor: DocumentCursor = "",
) -> HTMLResponse:
    """Show documents with their reports, or the results of a search."""
    hits: tuple[SearchHit, ...] = ()
    if text.strip():
        query = Search(text=text, limit=20)
        hits = (await services.client.rpc.request(MEMORY_SEARCH, query)).hits
    shown = await documents_page(
        services, under, current_only=show != "all", cursor=cursor, limit=PAGE
    )
    return await page(
        request,
        "documents.html",
        memory=(await services.loop.state()).memory,
        documents=shown.documents,
        hits=hits,
        text=text,
        under=under,
        show=show,
        download=urlencode({"under": under, "current_only": show != "all"}),
        next_page=with_parameters(request, cursor=shown.next_cursor) if shown.next_cursor else "",
    )


@router.get("/documents/map")
async def map_page(request: Request, services: Services, _: Reader) -> HTMLResponse:
    """Show the map of the memory, with a table of the pairs on it."""
    try:
        answer = await map_of(services)
    except DaydreamError:
        answer = None
    drawing = drawing_of(answer) if answer else None
    return await page(request, "map.html", map=answer, drawing=drawing, rows=MAP_ROWS)


@router.get("/facts/{fact_id}")
async def fact_page(
    request: Request, fact_id: InsightId, services: Services, _: Reader
) -> HTMLResponse:
    """Show one fact, what descends from it, and the button that retracts it."""
    return await page(request, "fact.html", preview=await preview(services, fact_id))
