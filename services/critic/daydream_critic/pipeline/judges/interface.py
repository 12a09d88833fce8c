"""What a judge is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from daydream_contracts.events import HypothesisProposed, Judgement, ModelCall, Synthesis
from daydream_models.client import ModelClient
from daydream_models.stage_plans import StagePlan


class JudgeIdentity(Protocol):
    """What the history and the report know a judge by."""

    @property
    def name(self) -> str:
        """Return the name, as it is in verdicts."""

    @property
    def family(self) -> str:
        """Return the family of its model, or "" for a judge that is no model."""

    def history_key(self, size: str) -> str:
        """Return the key of its history when it is asked in this size of a plan."""


@dataclass(frozen=True)
class Opinion:
    """One answer of a judge, and the model calls that it took.

    The judgement has no scores if the answer was unreadable.
    """

    judgement: Judgement
    calls: tuple[ModelCall, ...] = ()


class Judge(JudgeIdentity, Protocol):
    """Scores hypotheses. A judge need not be a language model, and need not cost anything."""

    @property
    def calls_max(self) -> int:
        """Return how often it may be asked about one hypothesis.

        1 for a judge that repeats itself.
        """

    @property
    def model(self) -> ModelClient | None:
        """Return its model, with which it can also compare, or None if it is no model."""

    def plan(self, *, first: bool) -> StagePlan | None:
        """Return the maximum cost of one hypothesis, or None if it costs nothing.

        `first`: whether it is the first judge, the only one that the minimal plan asks.
        """

    def usual_nanousd(self, proposed: HypothesisProposed, synthesis: Synthesis) -> int:
        """Return what an opinion on this hypothesis is expected to cost: an estimate, no bound."""

    async def judge(self, proposed: HypothesisProposed, synthesis: Synthesis, call: int) -> Opinion:
        """Return an opinion. `call` is 0 for the first one about this hypothesis, then 1, …

        `Judgement.judge` is the judge's name, `Judgement.call` is `call`, and `Judgement.prompt`
        belongs to the history key. Asked again with the same arguments, after a crash, it must not
        cost anything again.
        """
