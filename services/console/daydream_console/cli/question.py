"""Add, close and list open research questions, which are paired with facts that may answer them."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console import ingest, stored_sources
from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Clearance, Data, Json, Team, Who
from daydream_console.cli.output import emit_items, emit_json, out
from daydream_console.client import Client
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import ListDocuments
from daydream_contracts.topology import MEMORY_DOCUMENTS

PREFIX = "question: "
CHARS_MAX = 1000
OPEN_MAX = 1000


@command
async def question_add(
    text: Annotated[str, typer.Argument(help="Question, in one or a few sentences.")],
    team: Team = "",
    clearance: Clearance = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add an open research question. Adding it twice has no effect.

    Examples:
        daydream question add "Why is ice slippery?"
    """
    question = " ".join(text.split())
    if not question or len(question) > CHARS_MAX:
        raise ConfigurationError(
            f"A question has 1 to {CHARS_MAX} characters; this one has {len(question)}",
            "Ingest longer texts: daydream ingest PATH",
        )
    async with connection(data) as client:
        offered = await ingest.offer_bytes(
            client,
            question.encode(),
            PREFIX + question,
            FactKind.QUESTION,
            ingest.Labels(team, clearance),
        )
        (report,) = await ingest.reports(client, [offered])
    if as_json:
        emit_json(report.model_dump(mode="json"))
    else:
        out.print("Already known." if ingest.KNOWN in report.note else "Added.")


@command
async def question_close(
    text: Annotated[str, typer.Argument(help="Question, as shown by 'daydream question list'.")],
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Close a question. It is no longer used. Add it again to reopen it.

    Examples:
        daydream question close "Why is ice slippery?"
    """
    source = PREFIX + " ".join(text.split())
    async with connection(data) as client:
        if source not in await _open_sources(client, source):
            raise ConfigurationError("No such open question", "List them: daydream question list")
        await stored_sources.remove(client, [source], who)
    if as_json:
        emit_json({"closed": text})
    else:
        out.print("Closed.")


@command
async def question_list(data: Data = None, as_json: Json = False) -> None:
    """List the open questions.

    Examples:
        daydream question list
    """
    async with connection(data) as client:
        sources = await _open_sources(client, PREFIX)
    questions = [source.removeprefix(PREFIX) for source in sources]
    if as_json:
        emit_items(questions)
    else:
        lines = "\n".join(questions) or "No open question. Add one: daydream question add TEXT"
        out.print(lines, markup=False)


async def _open_sources(client: Client, under: str) -> list[str]:
    query = ListDocuments(under=under, current_only=True, limit=OPEN_MAX)
    return [report.source for report in (await client.rpc.request(MEMORY_DOCUMENTS, query)).reports]
