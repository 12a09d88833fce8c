"""Report how the synthesizer's writers share the pairs, and what their hypotheses became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daydream_contracts.rpc import SynthesizerState, WriterState
from daydream_runtime.verdict_projection import Projector
from daydream_synthesizer.writer_history import WriterHistory, shares


@dataclass(frozen=True)
class WriterReport:
    """Compute the state from the verdicts so far.

    `floor` and `examples` are those of the settings.
    """

    writers: Sequence[str]
    projector: Projector[WriterHistory]
    floor: float
    examples: int

    async def state(self) -> SynthesizerState:
        """Return each writer's share, and its record under the rule in force."""
        await self.projector.catch_up()
        history = self.projector.projection
        share = shares(self.writers, history, floor=self.floor)
        writers = tuple(
            WriterState(model=name, share=share[name], **history.of(name).model_dump())
            for name in self.writers
        )
        return SynthesizerState(writers=writers, examples=self.examples)
