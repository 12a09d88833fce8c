"""Print what an ingest would do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from daydream_console.cli.connection import connection
from daydream_console.cli.output import count, emit_json, err, out, usd
from daydream_console.cli.status_view import report_line
from daydream_console.ingest import Labels
from daydream_console.preview import EmbeddingCost, embedding_cost, preview
from daydream_console.sources import SourceDocument


async def preview_command(
    documents: Sequence[SourceDocument], labels: Labels, data: Path | None, *, as_json: bool
) -> None:
    """Read all documents and store nothing. Print each, the facts, and the cost of embedding."""
    previewed, models = [], set()
    async with connection(data) as client:
        with Progress(console=err, transient=True) as progress:
            task = progress.add_task("reading", total=len(documents))
            async for document, model in preview(client, documents, labels):
                previewed.append(document)
                models.add(model)
                progress.advance(task)
        cost = await embedding_cost(client, previewed, models)
    facts = sum(document.facts for document in previewed)
    new = facts - sum(document.known for document in previewed)
    if as_json:
        emit_json(
            {
                "documents": [document.model_dump(mode="json") for document in previewed],
                "facts": facts,
                "new_facts": new,
                "embedding_model": cost.model,
                "embedding_about_nanousd": None if cost.problem else cost.about_nanousd,
                "embedding_max_nanousd": None if cost.problem else cost.max_nanousd,
                "embedding_problem": cost.problem,
            }
        )
        return
    for document in previewed:
        out.print(report_line(document))
    read = sum(document.status == "read" for document in previewed)
    out.print(
        f"Would read {count(read, 'document')} of {len(previewed)}: {count(facts, 'fact')}, "
        f"{new} of them new. {_cost_line(cost)}"
    )


def _cost_line(cost: EmbeddingCost) -> str:
    if not cost.model:
        return "Embedding them costs nothing: the bundled model runs here."
    if cost.problem:
        return f"What {cost.model} costs is not known: {cost.problem}."
    if not cost.max_nanousd:
        return f"Embedding them with {cost.model} is free."
    about, most = usd(cost.about_nanousd), usd(cost.max_nanousd)
    return f"Embedding them with {cost.model} costs about {about}, at most {most}."
