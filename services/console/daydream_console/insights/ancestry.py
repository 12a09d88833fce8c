"""The ancestry of an insight in both directions, from the index."""

from __future__ import annotations

import sqlite3

from daydream_console.insights.index import InsightIndex
from daydream_contracts.rpc import (
    Ancestry,
    AncestryEdge,
    AncestryNode,
    InsightState,
    SourceFact,
)

NODES_MAX = 300  # what a graph on a page can show
TEXT_CHARS = 300
MADE_OF = "select * from hypotheses where insight_id = ?"
# only what became a fact can have children
MADE_FROM = """select * from hypotheses
  where (first_id = ? or second_id = ?) and state in ('active', 'retracted', 'rejected')
  order by number limit ?"""


def ancestry_of(index: InsightIndex, insight_id: str) -> Ancestry:
    """Return ancestors and descendants, nearest first, up to 300 facts in all."""
    walk = _Walk(index)
    walk.add(insight_id, 0)
    walk.ancestors(insight_id)
    walk.descendants(insight_id)
    return Ancestry(
        nodes=tuple(walk.nodes.values()),
        edges=tuple(AncestryEdge(parent_id=old, child_id=new) for old, new in walk.edges),
        cut=walk.cut,
    )


class _Walk:
    """Walk through the index, generation by generation."""

    def __init__(self, index: InsightIndex) -> None:
        self.index = index
        self.nodes: dict[str, AncestryNode] = {}
        self.edges: dict[tuple[str, str], None] = {}
        self.cut = False

    def ancestors(self, insight_id: str) -> None:
        """Add parents, their parents, and so on."""
        generation, level = [insight_id], 0
        while generation:
            level -= 1
            parents: list[str] = []
            for child in generation:
                row = self._made_of(child)
                for parent in (row["first_id"], row["second_id"]) if row else ():
                    if self.add(parent, level):
                        parents.append(parent)
                    self._connect(parent, child)
            generation = parents

    def descendants(self, insight_id: str) -> None:
        """Add children, their children, and so on."""
        generation, level = [insight_id], 0
        while generation:
            level += 1
            children: list[str] = []
            for parent in generation:
                rows = self.index.database.execute(MADE_FROM, (parent, parent, NODES_MAX))
                for row in rows.fetchall():
                    if self.add(row["insight_id"], level):
                        children.append(row["insight_id"])
                    self._connect(parent, row["insight_id"])
            generation = children

    def _connect(self, parent: str, child: str) -> None:
        if parent in self.nodes and child in self.nodes:
            self.edges[parent, child] = None

    def add(self, fact_id: str, level: int) -> bool:
        """Add a fact. Return False if it is known already, or does not fit."""
        if fact_id in self.nodes:
            return False
        if len(self.nodes) >= NODES_MAX:
            self.cut = True
            return False
        self.nodes[fact_id] = self._node(fact_id, level)
        return True

    def _node(self, fact_id: str, level: int) -> AncestryNode:
        insight = self._made_of(fact_id)
        fact_row = self.index.database.execute(
            "select body from facts where fact_id = ?", (fact_id,)
        ).fetchone()
        fact = SourceFact.model_validate_json(fact_row["body"]) if fact_row else None
        title = _title(self.index, insight) if insight else (fact.title if fact else "")
        return AncestryNode(
            fact_id=fact_id,
            verdict_id=insight["verdict_id"] if insight else "",
            title=title,
            text=fact.text[:TEXT_CHARS] if fact else "",
            source=fact.source if fact else "",
            kind="insight" if insight or fact is None else fact.kind,
            state=InsightState(insight["state"]) if insight else None,
            level=level,
        )

    def _made_of(self, fact_id: str) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self.index.database.execute(MADE_OF, (fact_id,)).fetchone()
        return row


def _title(index: InsightIndex, row: sqlite3.Row) -> str:
    query = "select json_extract(body, '$.title') from hypotheses where number = ?"
    (title,) = index.database.execute(query, (row["number"],)).fetchone()
    return title or ""
