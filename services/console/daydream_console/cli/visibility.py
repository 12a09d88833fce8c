"""What may be drawn and found: documents that are gone, facts and insights that people withdraw.
Nothing is deleted and all of it can be undone, but for `erase`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daydream_console import ingest as ingesting
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import emit_json, out
from daydream_console.cli.session import perform, reading
from daydream_console.local.folder import default_folder
from daydream_console.overview import settled
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import VisibilityChanged
from daydream_contracts.rpc import Erase, FactVisibility, Resolve
from daydream_contracts.topology import MEMORY_ERASE, MEMORY_RESOLVE

ERASE_S = 600.0
Ids = Annotated[
    list[str], typer.Argument(help="Ids of facts, or of verdicts whose insight is meant.")
]


def remove_command(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files and folders that were read; they need not exist any more."),
    ],
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What these documents say is drawn no more, unless another one says it too. daydream ingest brings them back."""

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            sources = await ingesting.sources_under(client, paths)
            if not sources:
                raise ConfigurationError(
                    "no document that is known comes from there",
                    "Give the paths under which they were ingested",
                )
            await ingesting.remove(client, sources, who)
        if as_json:
            emit_json(sources)
        else:
            out.print("\n".join(f"removed {source}" for source in sources), markup=False)

    perform(work, as_json=as_json)


def retract_command(
    ids: Ids, who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Take facts or insights out of the draws, with all that descends from them. daydream reinstate takes it back."""
    _change(ids, who, why, data, active=False, as_json=as_json)


def reinstate_command(
    ids: Ids, who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Take back a daydream retract of these facts or insights."""
    _change(ids, who, why, data, active=True, as_json=as_json)


def erase_command(
    targets: Annotated[
        list[str],
        typer.Argument(
            help="Paths that were read (files, or folders with all below), or ids of facts."
        ),
    ],
    derived: Annotated[
        bool,
        typer.Option("--derived", help="Also the hypotheses and insights that came from them."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    who: Who = "",
    why: Why = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Remove documents or facts for good from memory, verdicts and streams. Can not be undone; says what is out of reach."""
    paths = {target: Path(target).absolute() for target in targets}

    async def work() -> None:
        async with reading(data or default_folder()) as client:
            sources = await ingesting.sources_under(
                client, list(paths.values()), current_only=False
            )
            ids = tuple(
                target
                for target, path in paths.items()
                if not any(Path(source).is_relative_to(path) for source in sources)
            )
            known = (await client.ask(MEMORY_RESOLVE, Resolve(names=ids))).facts if ids else ()
            if len(known) < len(ids):
                raise ConfigurationError(
                    "some of these are neither paths that were read nor ids of facts",
                    "daydream ask --json shows sources and ids",
                )
            if not yes and not typer.confirm(
                f"Erase {len(sources)} documents and {len(ids)} facts for good?", err=True
            ):
                raise ConfigurationError("nothing was erased", "Say yes, or give --yes")
            facts = tuple(one.fact.fact_id for one in known)
            request = Erase(
                sources=tuple(sources),
                fact_ids=facts,
                derived=derived,
                who=who or "unknown",
                why=why,
                asked_at=datetime.now(UTC),
            )
            done = await client.ask(MEMORY_ERASE, request, patience_s=ERASE_S, try_s=ERASE_S)
        if as_json:
            emit_json(done.model_dump(mode="json"))
            return
        out.print(
            f"{done.facts} facts are erased, in {done.verdicts} verdicts and {sum(done.messages.values())} messages as well."
        )
        if done.insights_withdrawn:
            out.print(
                f"{len(done.insights_withdrawn)} insights that descend from them are out of the draws."
            )
        out.print(
            "Out of reach:\n" + "\n".join(f"- {one}" for one in done.out_of_reach), markup=False
        )

    perform(work, as_json=as_json)


def _change(
    ids: list[str], who: str, why: str, data: Path | None, *, active: bool, as_json: bool
) -> None:
    async def work() -> None:
        async with reading(data or default_folder()) as client:
            before = (await client.ask(MEMORY_RESOLVE, Resolve(names=tuple(ids)))).facts
            if len(before) < len(ids):
                raise ConfigurationError(
                    "some of these ids are of no fact that is known",
                    "daydream insights --json and daydream ask --json show ids",
                )
            facts = tuple(one.fact.fact_id for one in before)
            change = VisibilityChanged(
                fact_ids=facts,
                active=active,
                who=who or "unknown",
                why=why,
                changed_at=datetime.now(UTC),
            )
            await settled(client, VisibilityChanged, await client.publish(change))
            after = (await client.ask(MEMORY_RESOLVE, Resolve(names=facts))).facts
        if as_json:
            emit_json([one.model_dump(mode="json") for one in after])
        else:
            for one in after:
                out.print(_line(one), markup=False)

    perform(work, as_json=as_json)


def _line(one: FactVisibility) -> str:
    others = [root for root in one.withdrawn_by if root != one.fact.fact_id]
    if not one.hidden:
        return f"in the draws: {one.fact.text[:100]}"
    if others:
        return f"out of the draws, also for what it descends from ({', '.join(others)}): {one.fact.text[:100]}"
    return f"out of the draws, with {one.descendants} that descend from it: {one.fact.text[:100]}"
