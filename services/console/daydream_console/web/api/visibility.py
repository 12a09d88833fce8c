"""Retract facts and insights with everything that descends from them, and reinstate them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from daydream_console.insights.ancestry import ancestry_of
from daydream_console.overview import wait_until_handled
from daydream_console.web.access import Identity
from daydream_console.web.api_route import ApiRoute
from daydream_console.web.problems import WRITE_PROBLEMS, ProblemError
from daydream_console.web.services import (
    ConsoleServices,
    InsightId,
    Reader,
    Services,
    Writer,
    check_json,
    record_command,
)
from daydream_contracts.events import VisibilityChanged
from daydream_contracts.rpc import AncestryNode, FactVisibility, Resolve
from daydream_contracts.topology import MEMORY_RESOLVE

router = APIRouter(tags=["visibility"], route_class=ApiRoute, responses=WRITE_PROBLEMS)
HANDLED_S = 5.0


class VisibilityBody(BaseModel):
    """Why."""

    why: Annotated[str, Field(max_length=2000)] = ""


class RetractionPreview(BaseModel):
    """What a retraction would hide: the fact, and the insights that descend from it."""

    fact: FactVisibility
    descendants: list[AncestryNode]
    total: int = Field(description="number of all descendants, also those that are not listed")


@router.get("/facts/{fact_id}/retraction")
async def preview_retraction(
    fact_id: InsightId, services: Services, _: Reader
) -> RetractionPreview:
    """Show what a retraction would hide. Takes the id of a fact, or of a verdict."""
    return await preview(services, fact_id)


async def preview(services: ConsoleServices, fact_id: str) -> RetractionPreview:
    """Return what a retraction would hide."""
    fact = await resolve_fact(services, fact_id)
    ancestry = ancestry_of(services.insights.index, fact.fact.fact_id)
    below = [node for node in ancestry.nodes if node.level > 0]
    return RetractionPreview(fact=fact, descendants=below, total=max(fact.descendants, len(below)))


@router.post("/facts/{fact_id}/retraction", dependencies=[Depends(check_json)])
async def retract(
    fact_id: InsightId, body: VisibilityBody, request: Request, services: Services, who: Writer
) -> FactVisibility:
    """Stop using a fact or an insight, and everything that descends from it."""
    await record_command(request, who, why=body.why)
    return await change_visibility(services, who, fact_id, body.why, active=False)


@router.post("/facts/{fact_id}/reinstatement", dependencies=[Depends(check_json)])
async def reinstate(
    fact_id: InsightId, body: VisibilityBody, request: Request, services: Services, who: Writer
) -> FactVisibility:
    """Undo a retraction."""
    await record_command(request, who, why=body.why)
    return await change_visibility(services, who, fact_id, body.why, active=True)


async def resolve_fact(services: ConsoleServices, name: str) -> FactVisibility:
    """Return a fact by its id, or by that of the verdict that created it. Raise the problem 404."""
    resolved = await services.client.rpc.request(MEMORY_RESOLVE, Resolve(names=(name,)))
    if not resolved.facts:
        raise ProblemError(404, "unknown-fact", f"No fact has the ID {name}")
    return resolved.facts[0]


async def change_visibility(
    services: ConsoleServices, who: Identity, name: str, why: str, *, active: bool
) -> FactVisibility:
    """Publish the change, wait until the memory has applied it, and return the fact."""
    fact = (await resolve_fact(services, name)).fact
    change = VisibilityChanged(
        fact_ids=(fact.fact_id,),
        active=active,
        who=who.who,
        why=why,
        changed_at=datetime.now(UTC),
    )
    await publish_change(services, change)
    return await resolve_fact(services, fact.fact_id)


async def publish_change(services: ConsoleServices, change: VisibilityChanged) -> None:
    """Publish a change of visibility, and wait until the memory has applied it.

    The index has it then too: the page that is shown next says so.
    """
    sequence = await services.client.publish(change)
    await wait_until_handled(services.client, VisibilityChanged, sequence, HANDLED_S)
    services.insights.index.add_change(change)
