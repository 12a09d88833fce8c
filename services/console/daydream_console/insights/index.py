"""The insight index: an indexed projection of verdicts, reviews, outcomes and visibility.

There is one row per hypothesis, with its last final verdict. Events may come in any order and
more than once: each is stored by its id, and the state of its hypothesis is computed again from
all that is stored.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from daydream_console.insights.rows import COLUMNS, row_of, source_of, words_of
from daydream_contracts.events import (
    Decision,
    Fact,
    InsightPromoted,
    InsightReinstated,
    InsightRetracted,
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    VerdictReached,
    VisibilityChanged,
    insight_id_of,
)
from daydream_contracts.rpc import InsightState, VisibilityRecord

CONTENT = ("hypotheses", "verdicts", "facts", "reviews", "outcomes", "insights", "visibility")
INSERT = f"""insert or replace into hypotheses(number, reviewed, {", ".join(COLUMNS)})
  values(:number, :reviewed, {", ".join(f":{column}" for column in COLUMNS)})"""
LAST_REVIEW = """select json_extract(body, '$.accepted') as accepted,
  json_extract(body, '$.effect') as effect from reviews
  where verdict_id in (select verdict_id from verdicts where hypothesis_id = ?)
  order by recorded_at desc limit 1"""


class InsightIndex:
    """Hold the index in a SQLite database. Everything runs in the caller's thread."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database
        self.complete = False
        database.row_factory = sqlite3.Row

    def add_verdict(self, verdict: VerdictReached, sequence: int = 0, trace_id: str = "") -> None:
        """Store a final verdict. Canaries and verdicts that the oracle replaces are left out."""
        hypothesis = verdict.hypothesis
        if hypothesis.pair.canary or not verdict.final:
            return
        run = self.database.execute
        run(
            "insert or ignore into verdicts values(?, ?, ?)",
            (verdict.verdict_id, hypothesis.hypothesis_id, verdict.reached_at.timestamp()),
        )
        old = run(
            "select number, round from hypotheses where hypothesis_id = ?",
            (hypothesis.hypothesis_id,),
        ).fetchone()
        if old is not None and old["round"] > verdict.round:
            return
        row = row_of(verdict, insight_id_of(hypothesis.hypothesis_id), sequence, trace_id)
        number = run(INSERT, {**row, "number": old and old["number"], "reviewed": 0}).lastrowid
        run("delete from words where rowid = ?", (number,))
        run(
            "insert into words(rowid, title, hypothesis, reasoning, implication, if_false, facts)"
            " values(?, ?, ?, ?, ?, ?, ?)",
            (number, *words_of(verdict)),
        )
        for fact in (hypothesis.pair.first, hypothesis.pair.second):
            self._add_fact(fact)
        self._refresh(hypothesis.hypothesis_id)

    def _add_fact(self, fact: Fact) -> None:
        self.database.execute(
            "insert or ignore into facts values(?, ?)",
            (fact.fact_id, source_of(fact).model_dump_json()),
        )

    def add_review(self, review: ReviewRecorded) -> None:
        """Store a review. The last one on a hypothesis holds."""
        self._add_opinion("reviews", review)

    def add_outcome(self, outcome: OutcomeRecorded) -> None:
        """Store an outcome."""
        self._add_opinion("outcomes", outcome)

    def _add_opinion(self, table: str, opinion: ReviewRecorded | OutcomeRecorded) -> None:
        body, at = opinion.model_dump_json(), opinion.recorded_at.timestamp()
        self.database.execute(
            f"insert or replace into {table} values(?, ?, ?, ?)",
            (opinion.message_id, opinion.verdict_id, at, body),
        )
        row = self.database.execute(
            "select hypothesis_id from verdicts where verdict_id = ?", (opinion.verdict_id,)
        ).fetchone()
        if row is not None:
            self._refresh(row["hypothesis_id"])

    def add_promotion(self, event: InsightPromoted) -> None:
        """Store that a hypothesis became a fact. Its verdict comes with it."""
        self._add_fact(event.fact)
        if event.verdict.verdict_id not in self:
            self.add_verdict(event.verdict)
        self.set_visibility(event.insight_id, active=True, at=event.promoted_at)

    def add_visibility(self, event: InsightRetracted | InsightReinstated) -> None:
        """Store a retraction or a reinstatement."""
        active = isinstance(event, InsightReinstated)
        at = event.reinstated_at if isinstance(event, InsightReinstated) else event.retracted_at
        record = VisibilityRecord(active=active, who=event.who, why=event.why, at=at)
        self.database.execute(
            "insert or replace into visibility values(?, ?, ?, ?)",
            (event.message_id, event.insight_id, at.timestamp(), record.model_dump_json()),
        )
        self.set_visibility(event.insight_id, active=active, at=at)

    def add_change(self, change: VisibilityChanged) -> None:
        """Apply a person's change of insights at once. The events of the memory follow it."""
        for fact_id in change.fact_ids:
            query = "select 1 from insights where insight_id = ?"
            if self.database.execute(query, (fact_id,)).fetchone():
                self.set_visibility(fact_id, active=change.active, at=change.changed_at)

    def set_visibility(self, insight_id: str, *, active: bool, at: datetime) -> None:
        """Say whether an insight is a fact in use. The latest word holds."""
        self.database.execute(
            "insert into insights values(?, ?, ?) on conflict(insight_id) do update set"
            " active = excluded.active, changed_at = excluded.changed_at"
            " where excluded.changed_at >= changed_at",
            (insight_id, active, at.timestamp()),
        )
        row = self.database.execute(
            "select hypothesis_id from hypotheses where insight_id = ?", (insight_id,)
        ).fetchone()
        if row is not None:
            self._refresh(row["hypothesis_id"])

    def clear(self) -> None:
        """Forget everything."""
        self.complete = False
        for table in (*CONTENT, "words"):
            self.database.execute(f"delete from {table}")

    def __contains__(self, verdict_id: str) -> bool:
        query = "select 1 from verdicts where verdict_id = ?"
        return self.database.execute(query, (verdict_id,)).fetchone() is not None

    def _refresh(self, hypothesis_id: str) -> None:
        """Compute the state of a hypothesis from everything that is stored about it."""
        run = self.database.execute
        row = run(
            "select insight_id, decision from hypotheses where hypothesis_id = ?", (hypothesis_id,)
        ).fetchone()
        if row is None:
            return
        insight = run(
            "select active from insights where insight_id = ?", (row["insight_id"],)
        ).fetchone()
        last = run(LAST_REVIEW, (hypothesis_id,)).fetchone()
        accepted = None if last is None or last["accepted"] is None else bool(last["accepted"])
        active = None if insight is None else bool(insight["active"])
        if active is False and last is not None and last["effect"] == ReviewEffect.WITHDRAWN:
            active = None  # it is no fact, as before the acceptance that was undone
        run(
            "update hypotheses set state = ?, active = ?, reviewed = ? where hypothesis_id = ?",
            (
                state_of(row["decision"], active, accepted).value,
                bool(active),
                accepted is not None,
                hypothesis_id,
            ),
        )

    def counts(self) -> dict[str, int]:
        """Return the number of hypotheses in each state."""
        rows: list[Any] = self.database.execute(
            "select state, count(*) from hypotheses group by state"
        ).fetchall()
        return dict(rows)


def state_of(decision: str, active: bool | None, accepted: bool | None) -> InsightState:
    """Return the state. `active`: None while it is no fact. `accepted`: None without a review."""
    if accepted is False and (active is not None or decision == Decision.PROMOTED):
        return InsightState.REJECTED
    if active is not None:
        return InsightState.ACTIVE if active else InsightState.RETRACTED
    if accepted or decision in {Decision.PROMOTED, Decision.DEFERRED}:
        return InsightState.PENDING
    return InsightState(decision)
