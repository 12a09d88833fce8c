"""Verdicts with the vectors of their hypotheses, and what people said of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from weaviate.classes.query import Filter

from daydream_contracts.events import Decision, NearestMatch, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts
from daydream_memory.erasure_record import ERASED, facts_in, without
from daydream_memory.store import HYPOTHESES_LOOKED_AT, NewFact, Vector
from daydream_memory.weaviate.table import PAGE, Row, where
from daydream_memory.weaviate.visibility import WeaviateDocuments


class WeaviateVerdicts(WeaviateDocuments):
    """Verdicts, and the insights that they write back."""

    async def nearest_hypothesis(
        self, vector: Vector, without: str, team: str = ""
    ) -> NearestMatch | None:
        for row in await self._verdicts.near(
            vector, HYPOTHESES_LOOKED_AT, only=["hypothesis_id", "text", "body"]
        ):
            pair = verdict_of(row).hypothesis.pair
            if row["hypothesis_id"] != without and {pair.first.team, pair.second.team} <= {
                "",
                team,
            }:
                return NearestMatch(
                    what="hypothesis",
                    id=row["hypothesis_id"],
                    text=row["text"],
                    similarity=row.cosine,
                )
        return None

    async def add_verdict(
        self, verdict: VerdictReached, vector: Vector | None, insight: tuple[NewFact, Vector] | None
    ) -> None:
        async with self._turn():
            if insight:
                await self._write_back(*insight)
            if await self._verdicts.get([(verdict.verdict_id,)], only=["verdict_id"]):
                return
            facts = await self._facts.get(
                [(fact_id,) for fact_id in facts_in(verdict)], only=["fact_id", "roots"]
            )
            erased = {
                row["fact_id"] for row in facts if ERASED in (row["roots"] or ())
            }  # while the daydream was on its way
            kept = without(verdict, erased, derived=False) if erased else verdict
            vectors = {} if vector is None else {kept.verdict_id: vector}
            waiting = insight is None and await self._waits(kept)
            await self._verdicts.insert(
                [
                    (
                        (kept.verdict_id,),
                        {**_properties(kept), "waiting": waiting, "added_at": self._now()},
                    )
                ],
                vectors,
            )

    async def _waits(self, verdict: VerdictReached) -> bool:
        """Whether a promoted one waits for a person's word: the first one of its hypothesis does."""
        if verdict.decision is not Decision.PROMOTED or not verdict.final:
            return False
        if await self._verdicts.count(
            where(
                hypothesis_id=verdict.hypothesis.hypothesis_id,
                decision=Decision.PROMOTED.value,
                final=True,
            )
        ):
            return False
        return not await self._reviews.count(
            where(verdict_id=verdict.verdict_id)
        ) and not await self._facts.count(where(source=f"daydream {verdict.verdict_id}"))

    async def _write_back(self, fact: NewFact, vector: Vector) -> None:
        new = await self._insert([fact], {fact.fact_id: vector.astype(np.float32)})
        if new:
            await self._restand(new)
        await self._give([fact.fact_id])

    async def verdict(self, verdict_id: str) -> VerdictReached | None:
        found = await self._verdicts.get([(verdict_id,)], only=["body"])
        return verdict_of(found[0]) if found else None

    async def judged(self, after: int, limit: int) -> tuple[list[tuple[int, int]], int | None]:
        later = Filter.by_property("added_at").greater_than(after)
        rows = await self._verdicts.find(
            later, limit=limit, sort=[("added_at", True)], only=["about", "added_at"]
        )
        keys = sorted({key for row in rows for key in row["about"][:2]})
        facts = await self._facts.get(
            [(key,) for key in keys], only=["fact_id", "ordinal", "pending"]
        )
        ordinals = {row["fact_id"]: row["ordinal"] for row in facts if not row["pending"]}
        pairs = [
            (ordinals[one], ordinals[other])
            for one, other in (row["about"][:2] for row in rows)
            if one in ordinals and other in ordinals
        ]
        return pairs, rows[-1]["added_at"] if len(rows) == limit else None

    async def add_review(
        self, review: ReviewRecorded, insight: tuple[NewFact, Vector] | None
    ) -> None:
        async with self._turn():
            if insight:
                await self._write_back(*insight)
            properties = {
                "review_id": review.message_id,
                "verdict_id": review.verdict_id,
                "accepted": review.accepted,
                "body": review.model_dump_json(),
                "added_at": self._now(),
            }
            await self._reviews.insert([((review.message_id,), properties)])
            if await self._verdicts.get([(review.verdict_id,)], only=["verdict_id"]):
                decided = (
                    {"decision": Decision.PROMOTED.value} if insight else {}
                )  # people outrank models; the body keeps what those said
                await self._verdicts.change({(review.verdict_id,): {"waiting": False, **decided}})

    async def verdicts(self, question: ListVerdicts) -> tuple[list[VerdictReached], int]:
        promoted = where(decision=Decision.PROMOTED.value, final=True)
        filters = (
            where(waiting=True)
            if question.quarantined_only
            else promoted
            if question.promoted_only
            else None
        )
        offset, more = question.offset, filters
        while (
            offset >= PAGE
        ):  # the server gives no place beyond 10,000: go on from the last one of each page
            page = await self._verdicts.find(
                more, limit=PAGE, sort=[("added_at", False)], only=["added_at"]
            )
            if len(page) < PAGE:
                return [], await self._verdicts.count(filters)
            older = Filter.by_property("added_at").less_than(page[-1]["added_at"])
            more, offset = (older if filters is None else filters & older), offset - PAGE
        rows = await self._verdicts.find(
            more, limit=question.limit, offset=offset, sort=[("added_at", False)], only=["body"]
        )
        return [verdict_of(row) for row in rows], await self._verdicts.count(filters)

    async def said_of(
        self, verdict_ids: Sequence[str]
    ) -> tuple[list[ReviewRecorded], list[str], list[str]]:
        if not verdict_ids:
            return [], [], []
        said = await self._reviews.all(where(verdict_id=verdict_ids), by="added_at")
        sources = [f"daydream {name}" for name in verdict_ids]
        hidden = await self._facts.find(
            where(source=sources, hidden=True), limit=len(sources), only=["source"]
        )
        waiting = await self._verdicts.find(
            where(verdict_id=verdict_ids, waiting=True), limit=len(verdict_ids), only=["verdict_id"]
        )
        reviews = [ReviewRecorded.model_validate_json(row["body"]) for row in said]
        return (
            reviews,
            [row["source"].removeprefix("daydream ") for row in hidden],
            [row["verdict_id"] for row in waiting],
        )


def verdict_of(row: Row) -> VerdictReached:
    """The verdict that a row holds."""
    return VerdictReached.model_validate_json(row["body"])


def _properties(verdict: VerdictReached) -> dict[str, object]:
    proposed, pair = verdict.hypothesis, verdict.hypothesis.pair
    return {
        "verdict_id": verdict.verdict_id,
        "hypothesis_id": proposed.hypothesis_id,
        "pair_id": pair.pair_id,
        "decision": verdict.decision.value,
        "final": verdict.final,
        "judged": bool(verdict.judgements),
        "about": list(facts_in(verdict)),
        "body": verdict.model_dump_json(),
        "text": proposed.synthesis.hypothesis if proposed.synthesis else "",
    }
