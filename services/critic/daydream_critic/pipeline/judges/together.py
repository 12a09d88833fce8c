"""Which hypotheses a judge scores in one call: those of one pair, if a pair has several samples.

They share a reservation, and each message carries all of them. So each hypothesis finds the others
without waiting, asks by the same call, and the gateway answers all of them for the price of one.
Each then reads its own verdict.

The order is shuffled by the pair. A judgement says in which place its hypothesis was, so the
report shows what a place is worth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daydream_contracts.events import HypothesisProposed, Judgement, ModelCall, Synthesis, derive_id
from daydream_contracts.prompt_variables import shown_together


@dataclass(frozen=True)
class JudgedGroup:
    """Hypotheses of one call in the order in which they are shown, and the judged one's place."""

    syntheses: tuple[Synthesis, ...]
    place: int
    key: str

    @property
    def size(self) -> int:
        """How many there are."""
        return len(self.syntheses)

    def share_of(self, calls: Sequence[ModelCall]) -> tuple[ModelCall, ...]:
        """Return the calls with this hypothesis' part of their costs, which add up to all."""
        return tuple(
            call.model_copy(update={"cost_nanousd": self._part(call.cost_nanousd)})
            for call in calls
        )

    def _part(self, nanousd: int) -> int:
        return nanousd // self.size + (self.place < nanousd % self.size)

    def placed(self, judgement: Judgement) -> Judgement:
        """Return the judgement with its place, if there were others."""
        place = self.place if self.size > 1 else None
        return judgement.model_copy(update={"place": place})


def group_of(
    proposed: HypothesisProposed, synthesis: Synthesis, count_max: int, call: int
) -> JudgedGroup:
    """Return what is judged by one call: the pair's hypotheses, at most `count_max` of them.

    A second opinion, and a hypothesis that is judged again, is asked about alone.
    """
    alone = JudgedGroup((synthesis,), 0, proposed.hypothesis_id)
    together = proposed.together
    if together is None or call or proposed.round > 1 or proposed.judges or count_max == 1:
        return alone
    pair_id = proposed.pair.pair_id
    shown, place = shown_together(pair_id, together, count_max)
    if len(shown) == 1:
        return alone
    number = together.place // count_max
    return JudgedGroup(shown, place, derive_id("judged together", pair_id, number, count_max))
