"""Findings of before that a writer is shown, labelled interesting or not (the essay's prefix), so that it writes more of the first kind.

Data: the last promoted and the last discarded verdicts in memory, looked at every so often → for a pair some of each, chosen by the pair.
A person's word outranks the critic's. Nobody's scores are shown. Left out is what has to do with the pair itself: findings that its facts descend from, or
that were made of one of its facts or of what those descend from; and what another team made, or what needs a clearance that the pair does not have.
What is erased from memory is out of the examples with the next look.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from daydream_contracts.access import may_appear_with
from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    PairSampled,
    Synthesis,
    VerdictReached,
    insight_id_of,
)
from daydream_contracts.prompts import list_examples
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.text_limits import longest
from daydream_contracts.topology import MEMORY_INSIGHTS
from daydream_runtime.rpc import RpcClient

LOOKED_AT = 100
LOOK_EVERY = timedelta(seconds=30)
DULL = (Decision.DISCARDED, Decision.REFUTED)
DEPTH_MAX = 20
SOURCE = "daydream "  # of an insight: the verdict that made it comes after it
Shown = tuple[str, bool, Synthesis]


def examples_bytes_max(count: int) -> int:
    """Return the most bytes that `count` examples can have in a prompt."""
    return len(list_examples([(False, longest(Synthesis))] * count).encode())


class ExamplePicker:
    """Chooses `count` of each kind."""

    def __init__(self, ask: RpcClient, count: int) -> None:
        self.count = count
        self._ask = ask
        self._looked_at: datetime | None = None
        self._good: list[VerdictReached] = []
        self._dull: list[VerdictReached] = []
        self._looking = asyncio.Lock()

    async def pick(self, pair: PairSampled) -> list[Shown]:
        """Those that a writer of this pair is shown: id of the verdict, whether it was interesting, and the finding."""
        async with self._looking:
            if self._looked_at is None or datetime.now(UTC) - self._looked_at > LOOK_EVERY:
                await self._look()
        ancestry = await self._ancestry((pair.first, pair.second))
        chance = random.Random(pair.pair_id)
        shown = [
            (one, interesting)
            for interesting, some in ((True, self._good), (False, self._dull))
            for one in self._some(some, pair, ancestry, chance)
        ]
        chance.shuffle(shown)
        return [
            (one.verdict_id, interesting, one.hypothesis.synthesis)
            for one, interesting in shown
            if one.hypothesis.synthesis is not None
        ]

    def _some(
        self,
        verdicts: Sequence[VerdictReached],
        pair: PairSampled,
        ancestry: set[str],
        chance: random.Random,
    ) -> list[VerdictReached]:
        fitting = [
            one for one in verdicts if not ancestry & facts_of(one) and _may_be_shown(one, pair)
        ]
        return chance.sample(fitting, min(self.count, len(fitting)))

    async def _look(self) -> None:
        promoted: VerdictPage = await self._ask(MEMORY_INSIGHTS, ListVerdicts(limit=LOOKED_AT))
        latest: VerdictPage = await self._ask(
            MEMORY_INSIGHTS, ListVerdicts(promoted_only=False, limit=LOOKED_AT)
        )
        word = {
            one.verdict_id: one.accepted
            for page in (promoted, latest)
            for one in sorted(page.reviews, key=lambda review: review.recorded_at)
        }
        known = {
            one.verdict_id: one
            for one in (*promoted.verdicts, *latest.verdicts)
            if one.final and one.hypothesis.synthesis is not None
        }
        good = {
            name for name, one in known.items() if word.get(name, one.decision is Decision.PROMOTED)
        } - {*promoted.retracted, *latest.retracted}
        self._good = [one for name, one in known.items() if name in good]
        self._dull = [
            one
            for name, one in known.items()
            if word.get(name) is False
            or (name not in word and one.decision in DULL and one.judgements)
        ]
        self._looked_at = datetime.now(UTC)

    async def _ancestry(self, facts: Iterable[Fact]) -> set[str]:
        """Ids of these facts and of all that they descend from."""
        found = {fact.fact_id for fact in facts}
        made_by = {
            fact.source.removeprefix(SOURCE) for fact in facts if fact.kind is FactKind.INSIGHT
        }
        for _ in range(DEPTH_MAX):
            if not made_by:
                break
            page: VerdictPage = await self._ask(
                MEMORY_INSIGHTS, ListVerdicts(verdict_ids=tuple(sorted(made_by)))
            )
            parents = [
                fact
                for one in page.verdicts
                for fact in (one.hypothesis.pair.first, one.hypothesis.pair.second)
                if fact.fact_id not in found
            ]
            found |= {fact.fact_id for fact in parents}
            made_by = {
                fact.source.removeprefix(SOURCE)
                for fact in parents
                if fact.kind is FactKind.INSIGHT
            }
        return found


def facts_of(verdict: VerdictReached) -> set[str]:
    """Ids of the facts that a finding has to do with: its own two, and what it has become."""
    proposed = verdict.hypothesis
    return {
        proposed.pair.first.fact_id,
        proposed.pair.second.fact_id,
        insight_id_of(proposed.hypothesis_id),
    }


def _may_be_shown(verdict: VerdictReached, pair: PairSampled) -> bool:
    of = verdict.hypothesis.pair
    clearances = (of.first.clearance, of.second.clearance)
    return may_appear_with(of.first.team or of.second.team, clearances, (pair.first, pair.second))
