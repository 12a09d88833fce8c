"""`daydream question`: what the lab asks itself. The anchored strategy draws each question beside what may answer it."""

from __future__ import annotations

from typing import Annotated

import typer

from daydream_console import ingest as ingesting
from daydream_console.cli.options import Clearance, Data, Json, Team, Who
from daydream_console.cli.output import emit_json, out
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import ListDocuments
from daydream_contracts.topology import MEMORY_DOCUMENTS

PREFIX = "question: "
CHARS_MAX = 1000


def question_add(
    text: Annotated[str, typer.Argument(help="The question, in a sentence or a few.")],
    team: Team = "",
    clearance: Clearance = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Ask something that the lab wants to know. Asking it twice is asking it once."""

    async def work() -> None:
        question = " ".join(text.split())
        if not question or len(question) > CHARS_MAX:
            raise ConfigurationError(
                f"a question has 1 to {CHARS_MAX} characters, and this has {len(question)}",
                "Put longer texts in with daydream ingest",
            )
        async with reading(data or default_folder()) as client:
            offered = await ingesting.offer_bytes(
                client,
                question.encode(),
                PREFIX + question,
                FactKind.QUESTION,
                ingesting.Labels(team, clearance),
            )
            (report,) = await ingesting.reports(client, [offered])
        if as_json:
            emit_json(report.model_dump(mode="json"))
        else:
            out.print("Known already." if "known" in report.note else "Asked.")

    perform(work, as_json=as_json)


def question_close(
    text: Annotated[str, typer.Argument(help="The question, as daydream question list shows it.")],
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """It is answered, or of no interest any more: it is drawn no more. Ask it again to open it again."""

    async def work() -> None:
        source = PREFIX + " ".join(text.split())
        async with reading(data or default_folder()) as client:
            found = await client.ask(
                MEMORY_DOCUMENTS, ListDocuments(under=source, current_only=True, limit=1000)
            )
            if source not in {report.source for report in found.reports}:
                raise ConfigurationError(
                    "no such question is open", "daydream question list shows those that are"
                )
            await ingesting.remove(client, [source], who)
        if as_json:
            emit_json({"closed": text})
        else:
            out.print("Closed.")

    perform(work, as_json=as_json)


def question_list(data: Data = None, as_json: Json = False) -> None:
    """The questions that are open."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            found = await client.ask(
                MEMORY_DOCUMENTS, ListDocuments(under=PREFIX, current_only=True, limit=1000)
            )
        questions = [report.source.removeprefix(PREFIX) for report in found.reports]
        if as_json:
            emit_json(questions)
        else:
            out.print(
                "\n".join(questions) or "No question is open. Ask one: daydream question add …",
                markup=False,
            )

    perform(work, as_json=as_json)
