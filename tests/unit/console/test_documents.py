"""What people see of their documents: what was left out of each, and what an ingest would cost."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from daydream_console.cli.status_view import report_line
from daydream_console.preview import PreviewedDocument, embedding_cost
from daydream_contracts.rpc import DocumentPage, DocumentReport, LeftOutReport, ListDocuments, Quote
from daydream_contracts.topology import GATEWAY_QUOTE, MEMORY_DOCUMENTS
from support.console import ConsoleFixture

SCANNED = LeftOutReport(kind="scanned-pages", count=4, text="pages 2–5 hold no text: <scanned>")
REPORT = DocumentReport(
    document_id="d",
    source="/papers/a.pdf",
    status="read",
    note="not UTF-8",
    facts=41,
    facts_embedded=40,
    kind="pdf",
    left_out=(SCANNED,),
)
AT = datetime(2026, 6, 1, tzinfo=UTC)
NEW = PreviewedDocument(
    source="/a.md", status="read", note="", facts=2, known=1, embedding_bytes=4000
)


@pytest.fixture
def console() -> ConsoleFixture:
    console = ConsoleFixture()
    console.rpc.answers[MEMORY_DOCUMENTS.subject] = DocumentPage(reports=(REPORT,))
    return console


def test_a_line_has_the_facts_and_everything_that_was_left_out() -> None:
    assert report_line(REPORT).plain == (
        "read     /papers/a.pdf: 41 facts; not UTF-8; pages 2–5 hold no text: <scanned>"
    )


def test_the_page_and_the_api_say_what_was_left_out(console: ConsoleFixture) -> None:
    page = console.client(accept="text/html").get("/documents").text
    assert "<li>pages 2–5 hold no text: &lt;scanned&gt;</li>" in page
    assert "pdf" in page
    (report,) = console.client().get("/api/v1/documents").json()["documents"]
    assert (report["kind"], report["left_out"]) == ("pdf", [SCANNED.model_dump()])
    table = console.client().get("/api/v1/documents/download").text
    (row,) = csv.DictReader(io.StringIO(table))
    assert "scanned-pages" in row["left_out"]


def test_a_cursor_shows_each_report_once_while_documents_come_in(console: ConsoleFixture) -> None:
    reports = [
        REPORT.model_copy(
            update={"document_id": str(number), "read_at": AT + timedelta(minutes=at)}
        )
        for number, at in enumerate((5, 4, 4, 4, 4, 3, 2))
    ]

    def answer(request: ListDocuments) -> DocumentPage:
        until = request.read_until
        known = [each for each in reports if until is None or (each.read_at or AT) <= until]
        return DocumentPage(reports=tuple(known[request.offset :][: request.limit]))

    console.rpc.answers[MEMORY_DOCUMENTS.subject] = answer
    seen, cursor = list[str](), ""
    for number in range(4):
        page = console.client().get(f"/api/v1/documents?limit=2&cursor={cursor}").json()
        seen += [report["document_id"] for report in page["documents"]]
        cursor = page["next_cursor"]
        reports.insert(
            0,
            REPORT.model_copy(
                update={"document_id": f"new {number}", "read_at": AT + timedelta(hours=1 + number)}
            ),
        )
    assert (seen, cursor) == ([str(number) for number in range(7)], "")


async def test_the_cost_of_embedding_comes_from_the_gateways_prices(
    console: ConsoleFixture,
) -> None:
    console.rpc.answers[GATEWAY_QUOTE.subject] = Quote(input_token_nanousd=20)
    cost = await embedding_cost(console.services.client, [NEW, NEW], {"", "embed-1"})
    assert (cost.model, cost.about_nanousd, cost.max_nanousd) == ("embed-1", 40_000, 160_000)
    assert (await embedding_cost(console.services.client, [NEW], {""})).model == ""


async def test_a_cost_that_is_not_known_is_said(console: ConsoleFixture) -> None:
    console.rpc.answers[GATEWAY_QUOTE.subject] = Quote(problem="It has no price", fix="Set one")
    cost = await embedding_cost(console.services.client, [NEW], {"embed-1"})
    assert cost.problem == "It has no price. Set one"
    console.rpc.silent.add(GATEWAY_QUOTE.subject)
    cost = await embedding_cost(console.services.client, [NEW], {"embed-1"})
    assert cost.problem == "the gateway does not run. Start it: daydream up"
    assert cost.max_nanousd == 0
