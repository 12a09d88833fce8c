"""Pick earlier findings as examples, labelled interesting or not (the essay's prefix).

A writer that sees them writes more of the first kind. Data: the latest promoted and the latest
discarded verdicts in memory, read again every `REFRESH_EVERY` → for each pair, `count` of each
kind, chosen by the pair. A review outranks the critic. No scores are shown.

Left out is what is related to the pair: findings that its facts descend from, and findings made
from one of its facts or of their ancestors. Left out is also what belongs to another team, or needs
a clearance that the pair does not have. What is erased from memory is gone with the next refresh.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
from daydream_contracts.prompt_variables import list_examples
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.text_limits import longest
from daydream_contracts.topology import MEMORY_VERDICTS
from daydream_runtime.rpc import RpcClient

VERDICTS_READ = 100
REFRESH_EVERY = timedelta(seconds=30)
UNINTERESTING = (Decision.DISCARDED, Decision.REFUTED)
ANCESTRY_DEPTH_MAX = 20
SOURCE_PREFIX = "daydream "  # of an insight's source; the id of its verdict follows


@dataclass(frozen=True)
class ShownExample:
    """A finding of an earlier verdict, as a writer sees it."""

    verdict_id: str
    interesting: bool
    synthesis: Synthesis


def examples_bytes_max(count: int) -> int:
    """Return the most bytes that `count` examples can have in a prompt."""
    return len(list_examples([(False, longest(Synthesis))] * count).encode())


class ExamplePicker:
    """Picks `count` examples of each kind for a pair."""

    def __init__(self, rpc: RpcClient, count: int) -> None:
        self.count = count
        self._rpc = rpc
        self._refreshed_at: datetime | None = None
        self._interesting: list[VerdictReached] = []
        self._uninteresting: list[VerdictReached] = []
        self._refreshing = asyncio.Lock()

    async def pick(self, pair: PairSampled) -> list[ShownExample]:
        """Return the examples for a pair, in random order. The pair is the seed."""
        async with self._refreshing:
            now = datetime.now(UTC)
            if self._refreshed_at is None or now - self._refreshed_at > REFRESH_EVERY:
                await self._refresh()
                self._refreshed_at = now
        ancestry = await self._ancestry((pair.first, pair.second))
        rng = random.Random(pair.pair_id)
        examples = [
            *self._pick_kind(self._interesting, True, pair, ancestry, rng),
            *self._pick_kind(self._uninteresting, False, pair, ancestry, rng),
        ]
        rng.shuffle(examples)
        return examples

    def _pick_kind(
        self,
        verdicts: Sequence[VerdictReached],
        interesting: bool,
        pair: PairSampled,
        ancestry: set[str],
        rng: random.Random,
    ) -> list[ShownExample]:
        candidates = [
            ShownExample(verdict.verdict_id, interesting, synthesis)
            for verdict in verdicts
            if (synthesis := verdict.hypothesis.synthesis) is not None
            and not ancestry & related_facts(verdict)
            and _may_be_shown(verdict, pair)
        ]
        return rng.sample(candidates, min(self.count, len(candidates)))

    async def _refresh(self) -> None:
        """Read the latest verdicts, and sort them by reviews and decisions."""
        promoted: VerdictPage = await self._rpc.request(
            MEMORY_VERDICTS, ListVerdicts(limit=VERDICTS_READ)
        )
        latest: VerdictPage = await self._rpc.request(
            MEMORY_VERDICTS, ListVerdicts(promoted_only=False, limit=VERDICTS_READ)
        )
        accepted = _accepted(promoted) | _accepted(latest)
        verdicts = {
            verdict.verdict_id: verdict
            for verdict in (*promoted.verdicts, *latest.verdicts)
            if verdict.final and verdict.hypothesis.synthesis is not None
        }
        retracted = {*promoted.retracted, *latest.retracted}
        self._interesting = [
            verdict
            for verdict_id, verdict in verdicts.items()
            if accepted.get(verdict_id, verdict.decision is Decision.PROMOTED)
            and verdict_id not in retracted
        ]
        self._uninteresting = [
            verdict for verdict in verdicts.values() if _is_uninteresting(verdict, accepted)
        ]

    async def _ancestry(self, facts: Iterable[Fact]) -> set[str]:
        """Return the ids of these facts and of all facts that they descend from."""
        generation = list(facts)
        ancestry = {fact.fact_id for fact in generation}
        for _ in range(ANCESTRY_DEPTH_MAX):
            verdict_ids = _source_verdicts(generation)
            if not verdict_ids:
                break
            page: VerdictPage = await self._rpc.request(
                MEMORY_VERDICTS, ListVerdicts(verdict_ids=verdict_ids)
            )
            pairs = [verdict.hypothesis.pair for verdict in page.verdicts]
            parents = [fact for pair in pairs for fact in (pair.first, pair.second)]
            generation = [fact for fact in parents if fact.fact_id not in ancestry]
            ancestry |= {fact.fact_id for fact in generation}
        return ancestry


def related_facts(verdict: VerdictReached) -> set[str]:
    """Return the ids of the facts of a finding: its own two, and the insight that it may be."""
    proposed = verdict.hypothesis
    return {
        proposed.pair.first.fact_id,
        proposed.pair.second.fact_id,
        insight_id_of(proposed.hypothesis_id),
    }


def _accepted(page: VerdictPage) -> dict[str, bool]:
    """Return the latest review of each verdict that holds."""
    reviews = sorted(page.reviews, key=lambda review: review.recorded_at)
    last = {review.verdict_id: review.accepted for review in reviews}
    return {name: accepted for name, accepted in last.items() if accepted is not None}


def _is_uninteresting(verdict: VerdictReached, accepted: Mapping[str, bool]) -> bool:
    review = accepted.get(verdict.verdict_id)
    if review is not None:
        return not review
    return verdict.decision in UNINTERESTING and bool(verdict.judgements)


def _source_verdicts(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Return the ids of the verdicts that made those of these facts that are insights."""
    insights = (fact for fact in facts if fact.kind is FactKind.INSIGHT)
    return tuple(sorted({fact.source.removeprefix(SOURCE_PREFIX) for fact in insights}))


def _may_be_shown(verdict: VerdictReached, pair: PairSampled) -> bool:
    own = verdict.hypothesis.pair
    clearances = (own.first.clearance, own.second.clearance)
    return may_appear_with(own.first.team or own.second.team, clearances, (pair.first, pair.second))
