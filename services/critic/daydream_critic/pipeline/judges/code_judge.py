"""A judge that is code instead of a language model: a function of the hypothesis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from daydream_contracts.events import HypothesisProposed, Judgement, Scores, Synthesis
from daydream_critic.history.records import history_key
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.interface import Opinion


@dataclass(frozen=True)
class Assessment:
    """Three scores and why they were given. Without scores the judge has no vote."""

    scores: Scores | None
    justification: str


@dataclass(frozen=True)
class CodeJudge(ABC):
    """Subclass it and write `assess`. The judge costs nothing and is asked once per hypothesis.

    Change `version` when its scores change: a new version begins a new history.
    """

    config: JudgeConfig
    version: ClassVar[str] = "1"
    family: ClassVar[str] = ""
    calls_max: ClassVar[int] = 1
    model: ClassVar[None] = None

    @property
    def name(self) -> str:
        """Return the name of its entry point."""
        return self.config.kind

    @abstractmethod
    async def assess(self, proposed: HypothesisProposed, synthesis: Synthesis) -> Assessment:
        """Return scores and a justification. The same hypothesis must get the same scores."""

    def history_key(self, size: str) -> str:
        """Return the key of its history, the same for all sizes of a plan."""
        return history_key(self.name, self.version)

    def plan(self, *, first: bool) -> None:
        """Return None: it costs nothing."""
        return None

    def usual_nanousd(self, proposed: HypothesisProposed, synthesis: Synthesis) -> int:
        """Return 0."""
        return 0

    async def judge(self, proposed: HypothesisProposed, synthesis: Synthesis, call: int) -> Opinion:
        """Return the assessment as an opinion."""
        assessment = await self.assess(proposed, synthesis)
        judgement = Judgement(
            judge=self.name,
            model="",
            justification=assessment.justification,
            scores=assessment.scores,
            call=call,
            prompt=self.version,
        )
        return Opinion(judgement)
