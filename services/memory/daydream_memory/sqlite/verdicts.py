"""Verdicts with the vectors of their hypotheses, and what people said of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from daydream_contracts.events import NearestMatch, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts
from daydream_memory.erasure_record import facts_in, without
from daydream_memory.sqlite import erasing, visibility
from daydream_memory.sqlite.facts import SqliteFacts
from daydream_memory.store import HYPOTHESES_LOOKED_AT, NewFact, Vector

PROMOTED = "decision = 'promoted' and final"
QUARANTINED = """decision = 'promoted' and final and not exists (select 1 from facts f where f.source = 'daydream ' || verdict_id)
  and not exists (select 1 from reviews r where r.verdict_id = verdicts.verdict_id)
  and not exists (select 1 from verdicts o where o.hypothesis_id = verdicts.hypothesis_id and o.seq < verdicts.seq and o.decision = 'promoted' and o.final)"""


class SqliteVerdicts(SqliteFacts):
    """Verdicts, and the insights that they write back."""

    async def nearest_hypothesis(
        self, vector: Vector, without: str, team: str = ""
    ) -> NearestMatch | None:
        teams = [
            f"coalesce(json_extract(body, '$.hypothesis.pair.{which}.team'), '')"
            for which in ("first", "second")
        ]
        query = f"select hypothesis_id, text, {', '.join(teams)} from verdicts where verdict_id = ?"  # noqa: S608

        def work() -> NearestMatch | None:
            for verdict_id, cosine in self._hypotheses.near(vector, HYPOTHESES_LOOKED_AT):
                hypothesis_id, text, *owners = self._db.execute(query, (verdict_id,)).fetchone()
                if hypothesis_id != without and set(owners) <= {"", team}:
                    return NearestMatch(
                        what="hypothesis", id=hypothesis_id, text=text, similarity=cosine
                    )
            return None

        return await self._run(work)

    async def add_verdict(
        self, verdict: VerdictReached, vector: Vector | None, insight: tuple[NewFact, Vector] | None
    ) -> None:
        def row() -> tuple[Any, ...]:
            pair = verdict.hypothesis.pair
            erased = erasing.erased_among(
                self._db, facts_in(verdict)
            )  # while the daydream was on its way
            kept = without(verdict, erased, derived=False) if erased else verdict
            proposed = kept.hypothesis
            text = proposed.synthesis.hypothesis if proposed.synthesis else ""
            return (
                kept.verdict_id,
                proposed.hypothesis_id,
                pair.pair_id,
                kept.decision.value,
                kept.final,
                bool(kept.judgements),
                text,
                kept.model_dump_json(),
                None if vector is None else vector.tobytes(),
            )

        def also() -> None:
            self._db.execute(
                "insert or ignore into verdicts(verdict_id, hypothesis_id, pair_id, decision, final, judged, text, body, vector) values(?,?,?,?,?,?,?,?,?)",
                row(),
            )
            if insight:
                self._insert_fact(insight[0])

        def work() -> None:
            self._make_drawable({insight[0].fact_id: insight[1]} if insight else {}, also)
            if vector is not None and verdict.verdict_id not in self._hypotheses.row_of:
                self._hypotheses.append([verdict.verdict_id], vector[np.newaxis])

        await self._run(work)

    async def verdict(self, verdict_id: str) -> VerdictReached | None:
        query = "select body from verdicts where verdict_id = ?"
        row = await self._run(lambda: self._db.execute(query, (verdict_id,)).fetchone())
        return VerdictReached.model_validate_json(row[0]) if row else None

    async def judged(self, after: int, limit: int) -> tuple[list[tuple[int, int]], int | None]:
        query = """select v.seq, one.ordinal, other.ordinal from (select seq, body from verdicts where seq > ? order by seq limit ?) v
                   left join facts one on one.fact_id = json_extract(v.body, '$.hypothesis.pair.first.fact_id')
                   left join facts other on other.fact_id = json_extract(v.body, '$.hypothesis.pair.second.fact_id')"""
        rows = await self._run(lambda: self._db.execute(query, (after, limit)).fetchall())
        pairs = [(one, other) for _, one, other in rows if one is not None and other is not None]
        return pairs, max(seq for seq, _, _ in rows) if len(rows) == limit else None

    async def add_review(
        self, review: ReviewRecorded, insight: tuple[NewFact, Vector] | None
    ) -> None:
        row = (review.message_id, review.verdict_id, review.accepted, review.model_dump_json())

        def also() -> None:
            self._db.execute("insert or replace into reviews values(?, ?, ?, ?)", row)
            if insight:
                self._insert_fact(insight[0])
                query = "update verdicts set decision = 'promoted' where verdict_id = ?"  # people outrank models; the body keeps what those said
                self._db.execute(query, (review.verdict_id,))

        await self._run(
            lambda: self._make_drawable({insight[0].fact_id: insight[1]} if insight else {}, also)
        )

    async def verdicts(self, question: ListVerdicts) -> tuple[list[VerdictReached], int]:
        where = (
            f"where {QUARANTINED}"
            if question.quarantined_only
            else f"where {PROMOTED}"
            if question.promoted_only
            else ""
        )

        def work() -> tuple[list[Any], int]:
            rows = self._db.execute(
                f"select body from verdicts {where} order by seq desc limit ? offset ?",
                (question.limit, question.offset),
            ).fetchall()  # noqa: S608
            (total,) = self._db.execute(f"select count(*) from verdicts {where}").fetchone()  # noqa: S608
            return rows, total

        rows, total = await self._run(work)
        return [VerdictReached.model_validate_json(body) for (body,) in rows], total

    async def said_of(
        self, verdict_ids: Sequence[str]
    ) -> tuple[list[ReviewRecorded], list[str], list[str]]:
        def work() -> tuple[list[ReviewRecorded], list[str], list[str]]:
            names = json.dumps(list(verdict_ids))
            said = self._db.execute(
                "select body from reviews where verdict_id in (select value from json_each(?)) order by rowid",
                (names,),
            )
            reviews = [ReviewRecorded.model_validate_json(body) for (body,) in said]
            sources = "select 'daydream ' || value from json_each(?)"
            hidden = self._db.execute(
                f"select f.source from facts f where f.source in ({sources}) and {visibility.HIDDEN}",
                (names,),
            )  # noqa: S608
            waiting = self._db.execute(
                f"select verdict_id from verdicts where verdict_id in (select value from json_each(?)) and {QUARANTINED}",  # noqa: S608
                (names,),
            )
            return (
                reviews,
                [source.removeprefix("daydream ") for (source,) in hidden],
                [verdict_id for (verdict_id,) in waiting],
            )

        return await self._run(work)
