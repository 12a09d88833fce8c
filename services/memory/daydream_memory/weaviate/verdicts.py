"""Verdicts in Weaviate, with the vectors of their hypotheses, and reviews."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from weaviate.classes.query import Filter

from daydream_contracts.events import (
    Decision,
    NearestMatch,
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    VerdictReached,
)
from daydream_contracts.rpc import ListVerdicts
from daydream_memory.erasure_record import ERASED, facts_in, without
from daydream_memory.store import HYPOTHESES_SEARCHED, NewInsight, ReviewStatus, Vector
from daydream_memory.weaviate.collections import WeaviateCollections
from daydream_memory.weaviate.exclusive_writes import ExclusiveWrites
from daydream_memory.weaviate.rows import verdict_of, verdict_properties
from daydream_memory.weaviate.table import PAGE, where
from daydream_memory.weaviate.visibility_rules import WeaviateVisibilityRules

PROMOTED = Decision.PROMOTED.value


@dataclass(frozen=True)
class WeaviateVerdicts:
    """A `VerdictStore`. `pending_review` of an object says that a person must review it."""

    collections: WeaviateCollections
    writes: ExclusiveWrites
    rules: WeaviateVisibilityRules

    async def add(
        self, verdict: VerdictReached, vector: Vector | None, insight: NewInsight | None
    ) -> None:
        verdicts = self.collections.verdicts
        async with self.writes.exclusive():
            if insight:
                await self._add_insight(insight)
            if await verdicts.get([(verdict.verdict_id,)], only=["verdict_id"]):
                return
            verdict = await self._without_erased(verdict)
            pending_review = insight is None and await self._needs_review(verdict)
            properties = {
                **verdict_properties(verdict),
                "pending_review": pending_review,
                "added_at": self.collections.now(),
            }
            vectors = {} if vector is None else {verdict.verdict_id: vector}
            await verdicts.insert([((verdict.verdict_id,), properties)], vectors)

    async def _without_erased(self, verdict: VerdictReached) -> VerdictReached:
        """Remove facts that were erased while the daydream was in progress."""
        keys = [(fact_id,) for fact_id in facts_in(verdict)]
        rows = await self.collections.facts.get(keys, only=["fact_id", "roots"])
        erased = {row["fact_id"] for row in rows if ERASED in (row["roots"] or ())}
        return without(verdict, erased, derived=False) if erased else verdict

    async def _needs_review(self, verdict: VerdictReached) -> bool:
        """Return whether a verdict without an insight is pending: the first promoted one is."""
        if verdict.decision is not Decision.PROMOTED or not verdict.final:
            return False
        promoted = where(
            hypothesis_id=verdict.hypothesis.hypothesis_id, decision=PROMOTED, final=True
        )
        insight = where(source=f"daydream {verdict.verdict_id}")
        return not (
            await self.collections.verdicts.count(promoted)
            or await self.collections.reviews.count(where(verdict_id=verdict.verdict_id))
            or await self.collections.facts.count(insight)
        )

    async def _add_insight(self, insight: NewInsight) -> None:
        fact, vector = insight
        vectors = {fact.fact_id: vector.astype(np.float32)}
        new = await self.writes.insert_facts([fact], vectors)
        if new:
            await self.rules.update(new)
        await self.writes.assign_ordinals([fact.fact_id])

    async def add_review(self, review: ReviewRecorded, insight: NewInsight | None) -> None:
        key = (review.verdict_id,)
        async with self.writes.exclusive():
            if insight:
                await self._add_insight(insight)
            properties = {
                "review_id": review.message_id,
                "verdict_id": review.verdict_id,
                "accepted": bool(review.accepted),
                "body": review.model_dump_json(),
                "added_at": self.collections.now(),
            }
            await self.collections.reviews.insert([((review.message_id,), properties)])
            stored = await self.collections.verdicts.get([key], only=["verdict_id", "body"])
            if stored and review.accepted is None:
                await self._restore_decision(review, verdict_of(stored[0]))
            elif stored:
                # a review overrides the models' decision; the body keeps what they decided
                decision = {"decision": PROMOTED} if insight else {}
                await self.collections.verdicts.change({key: {"pending_review": False, **decision}})

    async def _restore_decision(self, review: ReviewRecorded, verdict: VerdictReached) -> None:
        """Give a verdict without a review its own decision again, and its place in quarantine."""
        source = where(source=f"daydream {verdict.verdict_id}")
        promoted = verdict.decision is Decision.PROMOTED and verdict.final
        no_fact = review.effect is ReviewEffect.WITHDRAWN or not (
            await self.collections.facts.count(source)
        )
        changes = {"decision": verdict.decision.value, "pending_review": promoted and no_fact}
        await self.collections.verdicts.change({(verdict.verdict_id,): changes})

    async def add_outcome(self, outcome: OutcomeRecorded) -> None:
        properties = {
            "outcome_id": outcome.message_id,
            "verdict_id": outcome.verdict_id,
            "body": outcome.model_dump_json(),
            "added_at": self.collections.now(),
        }
        await self.collections.outcomes.insert([((outcome.message_id,), properties)])

    async def get(self, verdict_id: str) -> VerdictReached | None:
        rows = await self.collections.verdicts.get([(verdict_id,)], only=["body"])
        return verdict_of(rows[0]) if rows else None

    async def page(self, request: ListVerdicts) -> tuple[list[VerdictReached], int]:
        filters = _filters(request)
        offset, older = request.offset, filters
        # The server reads no page beyond 10,000: continue from the last object of each page.
        while offset >= PAGE:
            skipped = await self.collections.verdicts.find(
                older, limit=PAGE, sort=[("added_at", False)], only=["added_at"]
            )
            if len(skipped) < PAGE:
                return [], await self.collections.verdicts.count(filters)
            before = Filter.by_property("added_at").less_than(skipped[-1]["added_at"])
            older = before if filters is None else filters & before
            offset -= PAGE
        rows = await self.collections.verdicts.find(
            older, limit=request.limit, offset=offset, sort=[("added_at", False)], only=["body"]
        )
        total = await self.collections.verdicts.count(filters)
        return [verdict_of(row) for row in rows], total

    async def review_status(self, verdict_ids: Sequence[str]) -> ReviewStatus:
        if not verdict_ids:
            return ReviewStatus()
        reviews = await self.collections.reviews.all(where(verdict_id=verdict_ids), by="added_at")
        outcomes = await self.collections.outcomes.all(where(verdict_id=verdict_ids), by="added_at")
        sources = [f"daydream {verdict_id}" for verdict_id in verdict_ids]
        hidden = await self.collections.facts.find(
            where(source=sources, hidden=True), limit=len(sources), only=["source"]
        )
        pending = await self.collections.verdicts.find(
            where(verdict_id=verdict_ids, pending_review=True),
            limit=len(verdict_ids),
            only=["verdict_id"],
        )
        return ReviewStatus(
            reviews=tuple(ReviewRecorded.model_validate_json(row["body"]) for row in reviews),
            outcomes=tuple(OutcomeRecorded.model_validate_json(row["body"]) for row in outcomes),
            hidden=tuple(row["source"].removeprefix("daydream ") for row in hidden),
            pending=tuple(row["verdict_id"] for row in pending),
        )

    async def ranked(
        self, vector: Vector, verdict_ids: Sequence[str], limit: int
    ) -> list[tuple[str, float]]:
        if not verdict_ids:
            return []
        rows = await self.collections.verdicts.near(
            vector, limit, where(verdict_id=list(verdict_ids)), only=["verdict_id"]
        )
        return [(row["verdict_id"], row.cosine) for row in rows]

    async def judged_pairs(
        self, after: int, limit: int
    ) -> tuple[list[tuple[int, int]], int | None]:
        later = Filter.by_property("added_at").greater_than(after)
        rows = await self.collections.verdicts.find(
            later, limit=limit, sort=[("added_at", True)], only=["about", "added_at"]
        )
        keys = sorted({key for row in rows for key in row["about"][:2]})
        facts = await self.collections.facts.get(
            [(key,) for key in keys], only=["fact_id", "ordinal", "pending"]
        )
        ordinals = {row["fact_id"]: row["ordinal"] for row in facts if not row["pending"]}
        pairs = [
            (ordinals[first], ordinals[second])
            for first, second in (row["about"][:2] for row in rows)
            if first in ordinals and second in ordinals
        ]
        return pairs, rows[-1]["added_at"] if len(rows) == limit else None

    async def nearest_hypothesis(
        self, vector: Vector, exclude: str, team: str = ""
    ) -> NearestMatch | None:
        rows = await self.collections.verdicts.near(
            vector, HYPOTHESES_SEARCHED, only=["hypothesis_id", "text", "body"]
        )
        for row in rows:
            pair = verdict_of(row).hypothesis.pair
            teams = {pair.first.team, pair.second.team}
            if row["hypothesis_id"] != exclude and teams <= {"", team}:
                return NearestMatch(
                    kind="hypothesis",
                    id=row["hypothesis_id"],
                    text=row["text"],
                    similarity=row.cosine,
                )
        return None


def _filters(request: ListVerdicts) -> Any:
    if request.quarantined_only:
        return where(pending_review=True)
    return where(decision=PROMOTED, final=True) if request.promoted_only else None
