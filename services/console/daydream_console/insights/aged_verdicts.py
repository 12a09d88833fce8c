"""Verdicts that are no longer in their stream, which keeps them for 30 days: read from the memory.

The memory keeps verdicts until they are erased. So the index asks it again about each verdict that
left the stream: by age it is still there, and after an erasure it comes without its texts.
"""

from __future__ import annotations

from dataclasses import dataclass

from daydream_console.insights.index import InsightIndex
from daydream_contracts.events import Decision, insight_id_of
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from daydream_contracts.topology import MEMORY_VERDICTS
from daydream_runtime.rpc import RpcClient

PAGE = 50
NAMED = 20  # verdicts named by their ids come with all answers, and so are larger
LEFT = """select verdict_id from hypotheses
  where sequence between 1 and ? order by sequence limit ?"""
FORGET = "update hypotheses set sequence = 0 where verdict_id in ({marks})"


@dataclass
class AgedVerdicts:
    """Read aged verdicts into the index."""

    index: InsightIndex
    rpc: RpcClient
    complete: bool = False

    async def read(self, first_sequence: int) -> None:
        """Read the verdicts before this sequence of the stream.

        Raise RetryLaterError if the memory does not answer.
        """
        while names := self._left(first_sequence - 1):
            page = await self.rpc.request(MEMORY_VERDICTS, ListVerdicts(verdict_ids=tuple(names)))
            marks = ", ".join("?" * len(names))
            self.index.database.execute(FORGET.format(marks=marks), names)
            self._add(page)
        if first_sequence > 1 and not self.complete:
            await self._read_promoted()
        self.complete = True

    def _left(self, last_sequence: int) -> list[str]:
        rows = self.index.database.execute(LEFT, (last_sequence, NAMED)).fetchall()
        return [row["verdict_id"] for row in rows]

    async def _read_promoted(self) -> None:
        """Read all promoted verdicts: after a start the index may lack old ones."""
        offset = 0
        while True:
            query = ListVerdicts(limit=PAGE, offset=offset)
            page = await self.rpc.request(MEMORY_VERDICTS, query)
            self._add(page)
            offset += len(page.verdicts)
            if not page.verdicts or offset >= page.total:
                return

    def _add(self, page: VerdictPage) -> None:
        aged = self._aged(page)
        for verdict in page.verdicts:
            if verdict.verdict_id not in self.index or verdict.verdict_id in aged:
                self.index.add_verdict(verdict)
            promoted = verdict.decision is Decision.PROMOTED
            if promoted and verdict.verdict_id not in page.pending_review:
                self.index.set_visibility(
                    insight_id_of(verdict.hypothesis.hypothesis_id),
                    active=verdict.verdict_id not in page.retracted,
                    at=verdict.reached_at,
                )
        for review in page.reviews:
            self.index.add_review(review)
        for outcome in page.outcomes:
            self.index.add_outcome(outcome)

    def _aged(self, page: VerdictPage) -> set[str]:
        names = [verdict.verdict_id for verdict in page.verdicts]
        marks = ", ".join("?" * len(names))
        rows = self.index.database.execute(
            f"select verdict_id from hypotheses where sequence = 0 and verdict_id in ({marks})",
            names,
        )
        return {row["verdict_id"] for row in rows}
