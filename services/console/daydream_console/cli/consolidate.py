"""Merge facts and insights that say nearly the same, or undo it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from daydream_console.cli.command import command, confirm
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Yes
from daydream_console.cli.output import count, emit_json, err, out
from daydream_console.consolidation import Repeat, find_repeats, merge, merged_now, separate

TEXT_CHARS = 100
PROGRESS_EVERY = 1000  # facts
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be merged.")]
Undo = Annotated[bool, typer.Option("--undo", help="Make all merged facts active again.")]


@command
async def consolidate_command(
    dry_run: DryRun = False,
    undo: Undo = False,
    yes: Yes = False,
    who: Who = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Merge facts and insights that say nearly the same. Ask first; '--undo' undoes it.

    The oldest of them stays in use. The others are hidden, and what descends from them stays. No
    model is asked.

    Examples:
        daydream consolidate --dry-run
        daydream consolidate --undo
    """
    async with connection(data) as client:
        if undo:
            merged_of = await merged_now(client)
            facts = sum(map(len, merged_of.values()))
            if facts and not dry_run:
                confirm(
                    f"Separate {count(facts, 'fact')}?", yes=yes, declined="Nothing was changed"
                )
                await separate(client, merged_of, who)
            _report_undo(facts, done=bool(facts) and not dry_run, as_json=as_json)
            return
        repeats = await find_repeats(client, _progress)
        if not as_json:
            _show(repeats)
        done = bool(repeats) and not dry_run
        if done:
            confirm(f"Merge {count(len(repeats), 'fact')}?", yes=yes, declined="Nothing was merged")
            await merge(client, repeats, who)
    if as_json:
        emit_json({"merged": done, "repeats": [_as_json(repeat) for repeat in repeats]})
    elif done:
        out.print(f"Merged {count(len(repeats), 'fact')}. Undo: daydream consolidate --undo")


def _progress(looked_at: int, facts: int) -> None:
    if looked_at % PROGRESS_EVERY == 0:
        err.print(f"{looked_at} of {facts} facts compared")


def _show(repeats: Sequence[Repeat]) -> None:
    if not repeats:
        out.print("No facts say nearly the same.")
    for repeat in repeats:
        out.print(f"stays:  {repeat.kept.text[:TEXT_CHARS]}", markup=False)
        line = f"merged: {repeat.merged.text[:TEXT_CHARS]} (similarity {repeat.similarity:.2f})"
        out.print(line, markup=False)


def _as_json(repeat: Repeat) -> dict[str, object]:
    return {
        "kept": repeat.kept.model_dump(mode="json"),
        "merged": repeat.merged.model_dump(mode="json"),
        "similarity": round(repeat.similarity, 4),
    }


def _report_undo(facts: int, *, done: bool, as_json: bool) -> None:
    if as_json:
        emit_json({"separated": facts if done else 0, "merged": 0 if done else facts})
    elif done:
        out.print(f"{count(facts, 'fact')} active again.")
    else:
        out.print(f"{count(facts, 'fact')} merged.")
