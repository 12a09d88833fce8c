"""Verdicts in the SQLite store, with the vectors of their hypotheses, and reviews."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from daydream_contracts.events import (
    NearestMatch,
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    VerdictReached,
)
from daydream_contracts.rpc import ListVerdicts
from daydream_memory.erasure_record import facts_in, without
from daydream_memory.sqlite import erasure_rules, visibility_rules
from daydream_memory.sqlite.database import SqliteDatabase
from daydream_memory.sqlite.fact_table import SqliteFactTable
from daydream_memory.store import HYPOTHESES_SEARCHED, NewInsight, ReviewStatus, Vector

PROMOTED = "decision = 'promoted' and final"
LAST_REVIEW = """(select json_extract(r.body, '$.{field}') from reviews r
  where r.verdict_id = verdicts.verdict_id
  order by julianday(json_extract(r.body, '$.recorded_at')) desc, r.rowid desc limit 1)"""
QUARANTINED = f"""{PROMOTED}
  and (not exists (select 1 from facts f where f.source = 'daydream ' || verdict_id)
    or {LAST_REVIEW.format(field="effect")} = '{ReviewEffect.WITHDRAWN}')
  and {LAST_REVIEW.format(field="accepted")} is null
  and not exists (select 1 from verdicts o where o.hypothesis_id = verdicts.hypothesis_id
    and o.seq < verdicts.seq and o.decision = 'promoted' and o.final)"""
INSERT = """insert or ignore into verdicts
  (verdict_id, hypothesis_id, pair_id, decision, final, judged, text, body, vector)
  values(?, ?, ?, ?, ?, ?, ?, ?, ?)"""
# A review overrides the models' decision. The body keeps what they decided.
PROMOTE = "update verdicts set decision = 'promoted' where verdict_id = ?"
RESTORE_DECISION = """update verdicts set decision = json_extract(body, '$.decision')
  where verdict_id = ?"""
HYPOTHESIS = """select hypothesis_id, text,
  coalesce(json_extract(body, '$.hypothesis.pair.first.team'), ''),
  coalesce(json_extract(body, '$.hypothesis.pair.second.team'), '')
  from verdicts where verdict_id = ?"""
JUDGED_PAIRS = """select v.seq, first.ordinal, second.ordinal
  from (select seq, body from verdicts where seq > ? order by seq limit ?) v
  left join facts first
    on first.fact_id = json_extract(v.body, '$.hypothesis.pair.first.fact_id')
  left join facts second
    on second.fact_id = json_extract(v.body, '$.hypothesis.pair.second.fact_id')"""
OUTCOMES = """select body from outcomes
  where verdict_id in (select value from json_each(?)) order by at"""
REVIEWS = """select body from reviews
  where verdict_id in (select value from json_each(?)) order by rowid"""
HIDDEN_INSIGHTS = f"""select f.source from facts f
  where f.source in (select 'daydream ' || value from json_each(?))
  and {visibility_rules.HIDDEN}"""
PENDING_REVIEW = f"""select verdict_id from verdicts
  where verdict_id in (select value from json_each(?)) and {QUARANTINED}"""


@dataclass(frozen=True)
class SqliteVerdicts:
    """A `VerdictStore`."""

    database: SqliteDatabase
    table: SqliteFactTable

    async def add(
        self, verdict: VerdictReached, vector: Vector | None, insight: NewInsight | None
    ) -> None:
        connection, vectors = self.database.connection, self.database.hypothesis_vectors

        def write() -> None:
            connection.execute(INSERT, self._row(verdict, vector))
            if insight:
                self.table.insert(insight[0])

        def add() -> None:
            self.table.activate(_vectors(insight), write)
            if vector is not None and verdict.verdict_id not in vectors.row_of:
                vectors.append([verdict.verdict_id], vector[np.newaxis])

        await self.database.run(add)

    def _row(self, verdict: VerdictReached, vector: Vector | None) -> tuple[Any, ...]:
        """Return the row of a verdict, without facts erased while the daydream was in progress."""
        erased = erasure_rules.erased_among(self.database.connection, facts_in(verdict))
        if erased:
            verdict = without(verdict, erased, derived=False)
        hypothesis = verdict.hypothesis
        return (
            verdict.verdict_id,
            hypothesis.hypothesis_id,
            hypothesis.pair.pair_id,
            verdict.decision.value,
            verdict.final,
            bool(verdict.judgements),
            hypothesis.synthesis.hypothesis if hypothesis.synthesis else "",
            verdict.model_dump_json(),
            None if vector is None else vector.tobytes(),
        )

    async def add_review(self, review: ReviewRecorded, insight: NewInsight | None) -> None:
        connection = self.database.connection
        accepted = bool(review.accepted)
        row = (review.message_id, review.verdict_id, accepted, review.model_dump_json())

        def write() -> None:
            connection.execute("insert or replace into reviews values(?, ?, ?, ?)", row)
            if insight:
                self.table.insert(insight[0])
                connection.execute(PROMOTE, (review.verdict_id,))
            if review.accepted is None:
                connection.execute(RESTORE_DECISION, (review.verdict_id,))

        await self.database.run(lambda: self.table.activate(_vectors(insight), write))

    async def add_outcome(self, outcome: OutcomeRecorded) -> None:
        body, at = outcome.model_dump_json(), outcome.recorded_at.timestamp()
        row = (outcome.message_id, outcome.verdict_id, at, body)
        query = "insert or replace into outcomes values(?, ?, ?, ?)"
        await self.database.run(lambda: self.database.connection.execute(query, row))

    async def get(self, verdict_id: str) -> VerdictReached | None:
        query = "select body from verdicts where verdict_id = ?"
        row = await self.database.run(
            lambda: self.database.connection.execute(query, (verdict_id,)).fetchone()
        )
        return VerdictReached.model_validate_json(row[0]) if row else None

    async def page(self, request: ListVerdicts) -> tuple[list[VerdictReached], int]:
        where = _where(request)
        page = f"select body from verdicts {where} order by seq desc limit ? offset ?"
        count = f"select count(*) from verdicts {where}"

        def read() -> tuple[list[tuple[str]], int]:
            connection = self.database.connection
            rows = connection.execute(page, (request.limit, request.offset)).fetchall()
            return rows, connection.execute(count).fetchone()[0]

        rows, total = await self.database.run(read)
        return [VerdictReached.model_validate_json(body) for (body,) in rows], total

    async def review_status(self, verdict_ids: Sequence[str]) -> ReviewStatus:
        names = (json.dumps(list(verdict_ids)),)

        def read() -> ReviewStatus:
            connection = self.database.connection
            bodies = connection.execute(REVIEWS, names).fetchall()
            outcomes = connection.execute(OUTCOMES, names).fetchall()
            sources = connection.execute(HIDDEN_INSIGHTS, names).fetchall()
            pending = connection.execute(PENDING_REVIEW, names).fetchall()
            return ReviewStatus(
                reviews=tuple(ReviewRecorded.model_validate_json(body) for (body,) in bodies),
                outcomes=tuple(OutcomeRecorded.model_validate_json(body) for (body,) in outcomes),
                hidden=tuple(source.removeprefix("daydream ") for (source,) in sources),
                pending=tuple(verdict_id for (verdict_id,) in pending),
            )

        return await self.database.run(read)

    async def ranked(
        self, vector: Vector, verdict_ids: Sequence[str], limit: int
    ) -> list[tuple[str, float]]:
        vectors = self.database.hypothesis_vectors
        return await self.database.run_unlocked(lambda: vectors.rank(vector, verdict_ids, limit))

    async def judged_pairs(
        self, after: int, limit: int
    ) -> tuple[list[tuple[int, int]], int | None]:
        rows = await self.database.run(
            lambda: self.database.connection.execute(JUDGED_PAIRS, (after, limit)).fetchall()
        )
        pairs = [
            (first, second) for _, first, second in rows if first is not None and second is not None
        ]
        return pairs, max(seq for seq, _, _ in rows) if len(rows) == limit else None

    async def nearest_hypothesis(
        self, vector: Vector, exclude: str, team: str = ""
    ) -> NearestMatch | None:
        return await self.database.run(lambda: self._nearest_hypothesis(vector, exclude, team))

    def _nearest_hypothesis(self, vector: Vector, exclude: str, team: str) -> NearestMatch | None:
        for verdict_id, cosine in self.database.hypothesis_vectors.near(
            vector, HYPOTHESES_SEARCHED
        ):
            row = self.database.connection.execute(HYPOTHESIS, (verdict_id,)).fetchone()
            hypothesis_id, text, *teams = row
            if hypothesis_id != exclude and set(teams) <= {"", team}:
                return NearestMatch(
                    kind="hypothesis", id=hypothesis_id, text=text, similarity=cosine
                )
        return None


def _vectors(insight: NewInsight | None) -> dict[str, Vector]:
    return {insight[0].fact_id: insight[1]} if insight else {}


def _where(request: ListVerdicts) -> str:
    if request.quarantined_only:
        return f"where {QUARANTINED}"
    return f"where {PROMOTED}" if request.promoted_only else ""
