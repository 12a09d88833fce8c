"""Documents and search."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import READ_PROBLEMS, WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import (
    ConsoleServices,
    Reader,
    Services,
    Writer,
    check_json,
    record_command,
)
from daydream_console.web.tables import FILE_RESPONSES, FileFormat, file_response
from daydream_contracts.events import DocumentRemoved
from daydream_contracts.rpc import (
    DocumentPage,
    DocumentReport,
    ListDocuments,
    Search,
    SearchResults,
)
from daydream_contracts.topology import MEMORY_DOCUMENTS, MEMORY_SEARCH

router = APIRouter(tags=["memory"], route_class=ApiRoute, responses=READ_PROBLEMS)
SOURCE_CHARS_MAX = 4000
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
FILE_ROWS_MAX = 10_000
DocumentCursor = Annotated[str, Query(pattern=r"^([0-9]{1,16}\.[0-9]{1,7})?$")]
Source = Annotated[str, Query(max_length=SOURCE_CHARS_MAX)]


class DocumentList(BaseModel):
    """Reports, the latest first. `next_cursor` is empty on the last page."""

    documents: list[DocumentReport]
    next_cursor: str = ""


class RemovalBody(BaseModel):
    """Which source to remove. Ingest it again to undo this."""

    source: Annotated[str, Field(min_length=1, max_length=SOURCE_CHARS_MAX)]
    why: Annotated[str, Field(max_length=2000)] = ""


@router.get("/documents")
async def list_documents(
    services: Services,
    _: Reader,
    under: Source = "",
    current_only: bool = True,
    cursor: DocumentCursor = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DocumentList:
    """List what was read of each document, what was left out, and why."""
    return await documents_page(
        services, under, current_only=current_only, cursor=cursor, limit=limit
    )


async def documents_page(
    services: ConsoleServices, under: str, *, current_only: bool, cursor: str, limit: int
) -> DocumentList:
    """Return a page of reports. A cursor neither repeats nor skips one while documents come in."""
    query = ListDocuments(
        under=under, current_only=current_only, limit=limit + 1, **_place_of(cursor)
    )
    page: DocumentPage = await services.client.rpc.request(MEMORY_DOCUMENTS, query)
    shown = list(page.reports[:limit])
    following = _cursor_after(shown, query) if len(page.reports) > limit else ""
    return DocumentList(documents=shown, next_cursor=following)


def _place_of(cursor: str) -> dict[str, Any]:
    """Return where a page begins: the time of the last report, and how many of it were shown."""
    microseconds, _, offset = cursor.partition(".")
    if not cursor:
        return {}
    return {
        "read_until": BEGINNING + timedelta(microseconds=int(microseconds)),
        "offset": int(offset),
    }


def _cursor_after(shown: list[DocumentReport], query: ListDocuments) -> str:
    last = shown[-1].read_at or BEGINNING
    same = sum(report.read_at == last for report in shown)
    if query.read_until == last:  # the page before ended with this time too
        same += query.offset
    return f"{(last - BEGINNING) // timedelta(microseconds=1)}.{same}"


@router.get("/documents/download", response_class=Response, responses=FILE_RESPONSES)
async def download_documents(
    services: Services,
    _: Reader,
    under: Source = "",
    current_only: bool = True,
    file_format: FileFormat = "csv",
) -> Response:
    """Download up to 10,000 reports as CSV or JSON."""
    rows, cursor = list[DocumentReport](), ""
    while len(rows) < FILE_ROWS_MAX:
        page = await documents_page(
            services, under, current_only=current_only, cursor=cursor, limit=500
        )
        rows += page.documents
        if not (cursor := page.next_cursor):
            break
    return file_response(rows, "documents", file_format)


@router.post(
    "/documents/removals",
    status_code=202,
    dependencies=[Depends(check_json)],
    responses=WRITE_PROBLEMS,
)
async def remove_document(
    body: RemovalBody, request: Request, services: Services, who: Writer
) -> DocumentRemoved:
    """Stop using facts that come only from this source."""
    query = ListDocuments(under=body.source, current_only=True, limit=1000)
    page = await services.client.rpc.request(MEMORY_DOCUMENTS, query)
    if body.source not in {report.source for report in page.reports}:
        raise ProblemError(404, "unknown-document", f"No document comes from {body.source}")
    await record_command(request, who, about=body.source, why=body.why)
    removal = DocumentRemoved(source=body.source, who=who.who, removed_at=datetime.now(UTC))
    await services.publish(removal)
    return removal


@router.get("/search")
async def search_memory(
    text: Annotated[str, Query(min_length=1, max_length=500)],
    services: Services,
    _: Reader,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> SearchResults:
    """Find facts and insights by meaning."""
    return await services.client.rpc.request(MEMORY_SEARCH, Search(text=text, limit=limit))
