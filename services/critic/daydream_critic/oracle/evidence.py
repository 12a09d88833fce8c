"""What a hypothesis is held against: the nearest known facts and insights, and publications."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from daydream_contracts.access import Clearances
from daydream_contracts.events import (
    Fact,
    FactKind,
    HypothesisProposed,
    PairSampled,
    Statement,
    Synthesis,
    insight_id_of,
)
from daydream_contracts.prompts import STATEMENT_BYTES_MAX, list_statements
from daydream_contracts.rpc import Search, SearchResults
from daydream_contracts.text_limits import truncate
from daydream_contracts.topology import MEMORY_SEARCH
from daydream_critic.oracle.literature import PATIENCE_S, Literature
from daydream_runtime.rpc import RpcClient

log = logging.getLogger(__name__)
LOOKED_AT = 40  # some of the nearest are not for this model's eyes


def statements_bytes_max(count: int) -> int:
    """Return the most bytes that `count` statements can have in a prompt."""
    statement = Statement(what="alone", id="", text="x" * STATEMENT_BYTES_MAX)
    return len(list_statements([statement] * count).encode())


@dataclass(frozen=True)
class EvidenceRetriever:
    """Finds statements. `clearance`: of the model that will see them."""

    ask: RpcClient
    clearances: Clearances
    clearance: str
    known_max: int
    literature: Literature | None = None
    literature_max: int = 0

    async def find(
        self, proposed: HypothesisProposed, synthesis: Synthesis
    ) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
        """The nearest first; and what could not be asked."""
        known = await self._known(proposed, synthesis)
        published, missing = await self._published(proposed.pair, synthesis)
        return known + published, missing

    async def _known(
        self, proposed: HypothesisProposed, synthesis: Synthesis
    ) -> tuple[Statement, ...]:
        if not self.known_max:
            return ()
        found: SearchResults = await self.ask(
            MEMORY_SEARCH, Search(text=synthesis.hypothesis, limit=LOOKED_AT, ancestry=False)
        )
        seen = [hit for hit in found.hits if self._may_be_shown(hit.fact, proposed)][
            : self.known_max
        ]
        return tuple(
            Statement(
                what="insight" if hit.fact.kind is FactKind.INSIGHT else "fact",
                id=hit.fact.fact_id,
                text=truncate(hit.fact.text, STATEMENT_BYTES_MAX),
                similarity=hit.similarity,
            )
            for hit in seen
        )

    def _may_be_shown(self, fact: Fact, proposed: HypothesisProposed) -> bool:
        """Not one of its own facts, nor what it has become itself before it was judged anew; no question, nothing behind a wall, nothing above the
        model's clearance or the pair's own: what is shown is kept with the hypothesis."""
        pair = proposed.pair
        team = pair.first.team or pair.second.team
        own = (pair.first.fact_id, pair.second.fact_id, insight_id_of(proposed.hypothesis_id))
        above = self.clearances.rank(fact.clearance) > self.clearances.rank(
            self.clearances.highest((pair.first.clearance, pair.second.clearance))
        )
        return (
            fact.fact_id not in own
            and fact.kind is not FactKind.QUESTION
            and fact.team in ("", team)
            and not above
            and self.clearances.may_see(self.clearance, fact.clearance)
        )

    async def _published(
        self, pair: PairSampled, synthesis: Synthesis
    ) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
        if self.literature is None:
            return (), ()
        if pair.first.clearance or pair.second.clearance:
            return (), ("literature: the facts need a clearance",)
        try:
            found = await asyncio.wait_for(
                self.literature(synthesis.hypothesis, self.literature_max), PATIENCE_S
            )
        except Exception as error:  # a stranger's code may raise anything; the examination is worth something without it
            log.warning("the search for literature failed", exc_info=error)
            return (), (f"literature: {error!r}"[:200],)
        published = [
            Statement(
                what="publication",
                id=one.name,
                text=truncate(f"{one.title}. {one.text}", STATEMENT_BYTES_MAX),
            )
            for one in found[: self.literature_max]
        ]
        return tuple(published), ()
