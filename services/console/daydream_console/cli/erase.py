"""Erase documents and facts for good. Nothing else that hides facts is final."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from daydream_console import stored_sources
from daydream_console.cli.command import command, confirm
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why, Yes
from daydream_console.cli.output import count, emit_json, out
from daydream_console.client import Client
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import Erase, Erased, Resolve
from daydream_contracts.topology import MEMORY_ERASE, MEMORY_RESOLVE

ERASE_TIMEOUT_S = 600.0


@command
async def erase_command(
    targets: Annotated[
        list[str],
        typer.Argument(
            help="Ingested paths (folders with everything below), sources as they are printed, "
            "or IDs of facts."
        ),
    ],
    derived: Annotated[
        bool,
        typer.Option("--derived", help="Also erase hypotheses and insights derived from them."),
    ] = False,
    yes: Yes = False,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Erase documents or facts for good, from memory, verdicts and streams.

    Report what is out of reach.

    Examples:
        daydream erase ~/papers/withdrawn.pdf --why "withdrawn by its authors"
        daydream erase "bundled notes/physics.md"
    """
    async with connection(data) as client:
        sources, ids = await _resolve_targets(client, targets)
        documents, facts = count(len(sources), "document"), count(len(ids), "fact")
        confirm(f"Erase {documents} and {facts} for good?", yes=yes, declined="Nothing was erased")
        request = Erase(
            sources=tuple(sources),
            fact_ids=ids,
            derived=derived,
            who=who or "unknown",
            why=why,
            requested_at=datetime.now(UTC),
        )
        erased = await client.rpc.request(
            MEMORY_ERASE, request, patience_s=ERASE_TIMEOUT_S, try_s=ERASE_TIMEOUT_S
        )
    if as_json:
        emit_json(erased.model_dump(mode="json"))
    else:
        _show_erased(erased)


async def _resolve_targets(client: Client, targets: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """Return (sources of documents, ids of facts).

    Raise ConfigurationError for a target that is neither.
    """
    matches_of = {
        target: await stored_sources.sources_under(client, [target], current_only=False)
        for target in targets
    }
    sources = list(dict.fromkeys(source for matches in matches_of.values() for source in matches))
    names = tuple(target for target, matches in matches_of.items() if not matches)
    facts = (await client.rpc.request(MEMORY_RESOLVE, Resolve(names=names))).facts if names else ()
    if len(facts) < len(names):
        raise ConfigurationError(
            "Some targets are neither sources nor IDs of facts",
            "Pass sources as 'daydream ask TEXT' prints them, or IDs from 'daydream ask --json'",
        )
    return sources, tuple(fact.fact.fact_id for fact in facts)


def _show_erased(erased: Erased) -> None:
    verdicts = count(erased.verdicts, "verdict")
    messages = count(sum(erased.messages.values()), "message")
    out.print(f"{count(erased.facts, 'fact')} erased, and their text in {verdicts} and {messages}.")
    if erased.insights_retracted:
        insights = count(len(erased.insights_retracted), "insight")
        out.print(f"{insights} derived from them: now hidden.")
    places = "\n".join(f"- {place}" for place in erased.out_of_reach)
    out.print(f"Out of reach:\n{places}", markup=False)
