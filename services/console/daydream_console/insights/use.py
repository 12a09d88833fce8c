"""How often an insight was drawn since it became a fact, and that nothing is drawn of it any more.

A retraction hides an insight with everything that descends from it. So its use is that of the
whole family: the pairs with one of them. Pairs that were drawn before a retraction end as usual.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic import Field

from daydream_console.insights.ancestry import ancestry_of
from daydream_console.insights.index import InsightIndex
from daydream_contracts.events import ContractModel

CHANGED = "select active, changed_at from insights where insight_id = ?"
DRAWN = """select count(*) as pairs, max(drawn_at) as last,
  coalesce(sum(drawn_at > ?), 0) as later from hypotheses
  where first_id in ({marks}) or second_id in ({marks})"""


class InsightUse(ContractModel):
    """The pairs with an insight or its descendants that have a verdict."""

    active: bool
    changed_at: datetime = Field(description="when it became a fact, was retracted or reinstated")
    descendants: int
    pairs: int
    last_drawn_at: datetime | None = None
    drawn_since: int = Field(description="pairs that were drawn after `changed_at`")


def use_of(index: InsightIndex, insight_id: str) -> InsightUse | None:
    """Return the use of an insight. None: it never became a fact."""
    run = index.database.execute
    fact = run(CHANGED, (insight_id,)).fetchone()
    if fact is None:
        return None
    nodes = ancestry_of(index, insight_id).nodes
    family = [node.fact_id for node in nodes if node.level >= 0]
    marks = ", ".join("?" * len(family))
    drawn = run(DRAWN.format(marks=marks), (fact["changed_at"], *family, *family)).fetchone()
    return InsightUse(
        active=bool(fact["active"]),
        changed_at=datetime.fromtimestamp(fact["changed_at"], UTC),
        descendants=len(family) - 1,
        pairs=drawn["pairs"],
        last_drawn_at=datetime.fromtimestamp(drawn["last"], UTC) if drawn["last"] else None,
        drawn_since=drawn["later"],
    )
