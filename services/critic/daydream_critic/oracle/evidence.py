"""Find the statements that a hypothesis is held against: known facts and insights, and
publications.
"""

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
from daydream_contracts.prompt_variables import STATEMENT_BYTES_MAX, list_statements
from daydream_contracts.rpc import Search, SearchResults
from daydream_contracts.text_limits import truncate
from daydream_contracts.topology import MEMORY_SEARCH
from daydream_critic.oracle.literature import TIMEOUT_S, Literature
from daydream_runtime.rpc import RpcClient

log = logging.getLogger(__name__)
HITS_MAX = 40  # more than are shown, because the model may not see all of them
ERROR_CHARS_MAX = 200


def statements_bytes_max(count: int) -> int:
    """Return the most bytes that `count` statements can have in a prompt."""
    statement = Statement(kind="alone", id="", text="x" * STATEMENT_BYTES_MAX)
    return len(list_statements([statement] * count).encode())


@dataclass(frozen=True)
class EvidenceRetriever:
    """Finds statements for a model with this clearance."""

    rpc: RpcClient
    clearances: Clearances
    clearance: str
    known_max: int
    literature: Literature | None = None
    literature_max: int = 0

    async def find(
        self, proposed: HypothesisProposed, synthesis: Synthesis
    ) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
        """Return statements, the most similar first, and one line per source that was not asked."""
        known = await self._known(proposed, synthesis)
        published, missing = await self._published(proposed.pair, synthesis)
        return known + published, missing

    async def _known(
        self, proposed: HypothesisProposed, synthesis: Synthesis
    ) -> tuple[Statement, ...]:
        if not self.known_max:
            return ()
        results: SearchResults = await self.rpc.request(
            MEMORY_SEARCH, Search(text=synthesis.hypothesis, limit=HITS_MAX, ancestry=False)
        )
        allowed = [hit for hit in results.hits if self._may_be_shown(hit.fact, proposed)]
        return tuple(
            Statement(
                kind="insight" if hit.fact.kind is FactKind.INSIGHT else "fact",
                id=hit.fact.fact_id,
                text=truncate(hit.fact.text, STATEMENT_BYTES_MAX),
                similarity=hit.similarity,
            )
            for hit in allowed[: self.known_max]
        )

    def _may_be_shown(self, fact: Fact, proposed: HypothesisProposed) -> bool:
        """Return whether the model may see a fact next to this hypothesis.

        Never its own facts, nor the insight that it became before it is judged again. No questions,
        no facts of other teams. No clearance above the model's, nor above the pair's: what is shown
        is stored with the hypothesis.
        """
        pair = proposed.pair
        own = (pair.first.fact_id, pair.second.fact_id, insight_id_of(proposed.hypothesis_id))
        if fact.fact_id in own or fact.kind is FactKind.QUESTION:
            return False
        if fact.team not in ("", pair.first.team or pair.second.team):
            return False
        rank = self.clearances.rank
        pair_clearance = self.clearances.highest((pair.first.clearance, pair.second.clearance))
        if rank(fact.clearance) > rank(pair_clearance):
            return False
        return self.clearances.may_see(self.clearance, fact.clearance)

    async def _published(
        self, pair: PairSampled, synthesis: Synthesis
    ) -> tuple[tuple[Statement, ...], tuple[str, ...]]:
        if self.literature is None:
            return (), ()
        if pair.first.clearance or pair.second.clearance:
            return (), ("literature: the facts need a clearance",)
        search = self.literature(synthesis.hypothesis, self.literature_max)
        try:
            publications = await asyncio.wait_for(search, TIMEOUT_S)
        except Exception as error:  # a plug-in may raise anything
            log.warning("the literature search failed", exc_info=error)
            return (), (f"literature: {error!r}"[:ERROR_CHARS_MAX],)
        statements = tuple(
            Statement(
                kind="publication",
                id=publication.name,
                text=truncate(f"{publication.title}. {publication.text}", STATEMENT_BYTES_MAX),
            )
            for publication in publications[: self.literature_max]
        )
        return statements, ()
