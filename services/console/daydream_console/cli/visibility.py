"""Hide documents, facts and insights, make them active again, or erase them.

Everything can be undone, except erasing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daydream_console import ingest
from daydream_console.cli.options import Data, Json, Who, Why, Yes
from daydream_console.cli.output import count, emit_json, out
from daydream_console.cli.session import command, confirm, connection
from daydream_console.client import Client
from daydream_console.overview import wait_until_handled
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import VisibilityChanged
from daydream_contracts.rpc import Erase, Erased, FactVisibility, Resolve
from daydream_contracts.topology import MEMORY_ERASE, MEMORY_RESOLVE

ERASE_TIMEOUT_S = 600.0
TEXT_CHARS = 100
Ids = Annotated[
    list[str], typer.Argument(help="IDs of facts, or of verdicts that became insights.")
]


@command
async def remove_command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Ingested files and folders. They need not exist any more."),
    ],
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Stop using facts that come only from these documents. Ingest them again to undo it."""
    async with connection(data) as client:
        sources = await ingest.sources_under(client, paths)
        if not sources:
            raise ConfigurationError(
                "No ingested document matches that path",
                "Pass the path under which it was ingested",
            )
        await ingest.remove(client, sources, who)
    if as_json:
        emit_json(sources)
    else:
        out.print("\n".join(f"removed {source}" for source in sources), markup=False)


@command
async def retract_command(
    ids: Ids, who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Stop using facts or insights, and everything derived from them. 'daydream reinstate' undoes
    it.
    """
    await _change(ids, who, why, data, active=False, as_json=as_json)


@command
async def reinstate_command(
    ids: Ids, who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Undo 'daydream retract' for these facts or insights."""
    await _change(ids, who, why, data, active=True, as_json=as_json)


@command
async def erase_command(
    targets: Annotated[
        list[str],
        typer.Argument(help="Ingested paths (folders with everything below), or IDs of facts."),
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
    paths = _absolute(targets)
    sources = await ingest.sources_under(client, list(paths.values()), current_only=False)
    names = tuple(
        target
        for target, path in paths.items()
        if not any(Path(source).is_relative_to(path) for source in sources)
    )
    facts = (await client.rpc.request(MEMORY_RESOLVE, Resolve(names=names))).facts if names else ()
    if len(facts) < len(names):
        raise ConfigurationError(
            "Some targets are neither ingested paths nor IDs of facts",
            "Find sources and IDs: daydream ask TEXT --json",
        )
    return sources, tuple(fact.fact.fact_id for fact in facts)


def _absolute(targets: list[str]) -> dict[str, Path]:
    return {target: Path(target).absolute() for target in targets}


def _show_erased(erased: Erased) -> None:
    verdicts = count(erased.verdicts, "verdict")
    messages = count(sum(erased.messages.values()), "message")
    out.print(f"{count(erased.facts, 'fact')} erased, and their text in {verdicts} and {messages}.")
    if erased.insights_retracted:
        insights = count(len(erased.insights_retracted), "insight")
        out.print(f"{insights} derived from them: now hidden.")
    places = "\n".join(f"- {place}" for place in erased.out_of_reach)
    out.print(f"Out of reach:\n{places}", markup=False)


async def _change(
    ids: list[str], who: str, why: str, data: Path | None, *, active: bool, as_json: bool
) -> None:
    async with connection(data) as client:
        before = (await client.rpc.request(MEMORY_RESOLVE, Resolve(names=tuple(ids)))).facts
        if len(before) < len(ids):
            raise ConfigurationError(
                "Some IDs belong to no known fact",
                "Find IDs: daydream insights --json, daydream ask TEXT --json",
            )
        fact_ids = tuple(fact.fact.fact_id for fact in before)
        change = VisibilityChanged(
            fact_ids=fact_ids,
            active=active,
            who=who or "unknown",
            why=why,
            changed_at=datetime.now(UTC),
        )
        await wait_until_handled(client, VisibilityChanged, await client.publish(change))
        after = (await client.rpc.request(MEMORY_RESOLVE, Resolve(names=fact_ids))).facts
    if as_json:
        emit_json([fact.model_dump(mode="json") for fact in after])
        return
    for fact in after:
        out.print(_line(fact), markup=False)


def _line(fact: FactVisibility) -> str:
    text = fact.fact.text[:TEXT_CHARS]
    if not fact.hidden:
        return f"active: {text}"
    other_roots = [root for root in fact.retracted_by if root != fact.fact.fact_id]
    if other_roots:
        return f"hidden, also because of its ancestors ({', '.join(other_roots)}): {text}"
    return f"hidden, with {count(fact.descendants, 'fact')} derived from it: {text}"
