"""Find the known texts that are most similar to a hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, replace

from daydream_contracts.rpc import FindNearest, NearestMatches
from daydream_contracts.topology import MEMORY_NEAREST
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_runtime.rpc import RpcClient

TEXT_CHARS_MAX = 20_000


@dataclass(frozen=True)
class MemoryLookup:
    """Asks the memory service."""

    rpc: RpcClient

    async def find_matches(self, evaluation: Evaluation) -> Evaluation:
        """Add the similarity to the hypothesis's own facts, and the most similar other text."""
        proposed = evaluation.proposed
        request = FindNearest(
            text=evaluation.synthesis.hypothesis[:TEXT_CHARS_MAX],
            own_fact_ids=(proposed.pair.first.fact_id, proposed.pair.second.fact_id),
            own_hypothesis_id=proposed.hypothesis_id,
        )
        matches: NearestMatches = await self.rpc.request(MEMORY_NEAREST, request)
        return replace(evaluation, matches=matches)
