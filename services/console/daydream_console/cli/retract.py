"""Hide facts and insights with everything derived from them, or make them active again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from daydream_console.cli.command import command
from daydream_console.cli.connection import connection
from daydream_console.cli.options import Data, Json, Who, Why
from daydream_console.cli.output import count, emit_items, out
from daydream_console.overview import wait_until_handled
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import VisibilityChanged
from daydream_contracts.rpc import FactVisibility, Resolve
from daydream_contracts.topology import MEMORY_RESOLVE

TEXT_CHARS = 100
Ids = Annotated[
    list[str], typer.Argument(help="IDs of facts, or of verdicts that became insights.")
]


@command
async def retract_command(
    ids: Ids, who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Stop using facts or insights, and everything derived from them. 'daydream reinstate' undoes
    it.

    Examples:
        daydream retract INSIGHT_ID --why "the units were wrong"
    """
    await _change(ids, who, why, data, active=False, as_json=as_json)


@command
async def reinstate_command(
    ids: Ids, who: Who = "", why: Why = "", data: Data = None, as_json: Json = False
) -> None:
    """Undo 'daydream retract' for these facts or insights.

    Examples:
        daydream reinstate INSIGHT_ID
    """
    await _change(ids, who, why, data, active=True, as_json=as_json)


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
        emit_items([fact.model_dump(mode="json") for fact in after])
        return
    for fact in after:
        out.print(_line(fact), markup=False)


def _line(fact: FactVisibility) -> str:
    text = fact.fact.text[:TEXT_CHARS]
    if not fact.hidden:
        return f"active: {text}"
    if fact.merged:
        return f"hidden, merged into a fact that says the same: {text}"
    other_roots = [root for root in fact.retracted_by if root != fact.fact.fact_id]
    if other_roots:
        return f"hidden, also because of its ancestors ({', '.join(other_roots)}): {text}"
    return f"hidden, with {count(fact.descendants, 'fact')} derived from it: {text}"
