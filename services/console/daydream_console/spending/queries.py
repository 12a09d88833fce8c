"""Breakdowns, series and entries of spending, and what insights cost over time."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from daydream_contracts.rpc import EVERYTHING, FOREGROUND

SpendKey = Literal["stage", "model", "team", "purpose", "key", "strategy"]
DAY_S = 86_400


class SpendRow(BaseModel):
    """What was spent for one stage, model, team, purpose, gateway key or strategy."""

    name: str
    calls: int = Field(description="calls; for strategies: daydreams")
    settled_nanousd: int


class SpendPoint(BaseModel):
    """What was spent in one hour."""

    at: datetime
    settled_nanousd: int


class InsightCost(BaseModel):
    """What a day's daydreams under the rule in force cost, and how many became insights."""

    day: datetime
    daydreams: int
    insights: int
    cost_nanousd: int
    nanousd_per_insight: int | None


class LedgerRow(BaseModel):
    """One entry of the ledger."""

    entry: str = Field(description="sequence of its commit, and its place in it")
    at: datetime
    kind: str
    stage: str
    model: str
    team: str
    purpose: str
    key: str = Field(description="gateway key; empty for daydreaming")
    amount_nanousd: int | None
    reservation_id: str
    attempt_id: str
    who: str
    text: str


class LedgerPage(BaseModel):
    """Entries, the latest first. `next_cursor` is empty on the last page."""

    entries: list[LedgerRow]
    next_cursor: str = ""


@dataclass(frozen=True)
class SpendingQueries:
    """Read from the console's database."""

    database: sqlite3.Connection

    def breakdown(self, by: SpendKey, since: datetime | None = None) -> list[SpendRow]:
        """Return what was spent by stage, model, team, purpose, key or strategy, most first."""
        start = since.timestamp() if since else 0.0
        if by == "strategy":
            query = """select strategy as name, count(*) as calls,
              sum(cost_nanousd) as settled_nanousd from hypotheses where reached_at >= ?
              group by strategy order by 3 desc"""
        else:
            query = f"""select {by} as name, sum(calls) as calls,
              sum(settled_nanousd) as settled_nanousd from spend where hour >= ?
              group by {by} order by 3 desc"""
        rows = self.database.execute(query, (start,))
        return [SpendRow(**dict(row)) for row in rows]

    def series(self, since: datetime, scope: str = EVERYTHING) -> list[SpendPoint]:
        """Return the spend of each hour that has any in the scope of a limit, the oldest first."""
        condition, values = _scope_condition(scope)
        rows = self.database.execute(
            "select hour, sum(settled_nanousd) as settled from spend"
            f" where hour >= ? and {condition} group by hour order by hour",
            (since.timestamp(), *values),
        )
        return [
            SpendPoint(at=datetime.fromtimestamp(row["hour"], UTC), settled_nanousd=row["settled"])
            for row in rows
        ]

    def insight_costs(self) -> list[InsightCost]:
        """Return the cost per insight of each of the last 90 days that has daydreams.

        Only daydreams since the last one under another rule count: each rule promotes another
        share. A daydream that no rule decided (an abstention, a gate) counts where it lies.
        """
        rows = self.database.execute(
            """select cast(reached_at / 86400 as integer) as day, count(*) as daydreams,
            sum(decision = 'promoted') as insights, sum(cost_nanousd) as cost
            from hypotheses where reached_at > coalesce((
              select max(reached_at) from hypotheses where rule not in ('', (
                select rule from hypotheses where rule != ''
                order by reached_at desc, number desc limit 1))), -1)
            group by day order by day desc limit 90"""
        ).fetchall()
        return [
            InsightCost(
                day=datetime.fromtimestamp(row["day"] * DAY_S, UTC),
                daydreams=row["daydreams"],
                insights=row["insights"],
                cost_nanousd=row["cost"],
                nanousd_per_insight=row["cost"] // row["insights"] if row["insights"] else None,
            )
            for row in reversed(rows)
        ]

    def entries(
        self, filters: dict[str, str], before: tuple[int, int] | None, limit: int
    ) -> LedgerPage:
        """Return entries before a place, the latest first. `filters`: columns and values."""
        conditions, values = ["1"], list[Any]()
        for column, value in filters.items():
            conditions.append(f"{column} = ?")
            values.append(value)
        if before is not None:
            conditions.append("(sequence, number) < (?, ?)")
            values += before
        rows = self.database.execute(
            f"select * from ledger where {' and '.join(conditions)}"
            " order by sequence desc, number desc limit ?",
            (*values, limit + 1),
        ).fetchall()
        shown = [_ledger_row(row) for row in rows[:limit]]
        return LedgerPage(entries=shown, next_cursor=shown[-1].entry if len(rows) > limit else "")


def _scope_condition(scope: str) -> tuple[str, tuple[str, ...]]:
    """Return the SQL condition of a scope. A team's limit counts its foreground work too."""
    kind, _, name = scope.partition(":")
    if scope == EVERYTHING:
        return "purpose <> ?", (FOREGROUND,)
    if scope == FOREGROUND:
        return "purpose = ?", (FOREGROUND,)
    if kind in ("team", "purpose", "key"):
        return f"{kind} = ?", (name,)
    return f"{kind} = ? and purpose <> ?", (name, FOREGROUND)


def _ledger_row(row: sqlite3.Row) -> LedgerRow:
    columns = dict(row)
    sequence, number = columns.pop("sequence"), columns.pop("number")
    at = datetime.fromtimestamp(columns.pop("at"), UTC)
    return LedgerRow(entry=f"{sequence}.{number}", at=at, **columns)
