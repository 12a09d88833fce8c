"""From a pair to its hypotheses: one question per sample, an abstention where there is no worthwhile link."""

from __future__ import annotations

from datetime import UTC, datetime

from daydream_shared.llm.ask import PaidModel, Question
from daydream_shared.llm.forms import Forms, form_of
from daydream_shared.llm.material import to_link
from daydream_shared.messages import HypothesisProposed, PairSampled, hypothesis_id_of
from daydream_shared.money.plans import StagePlan
from daydream_synthesizer.answer import SynthesisAnswer

TEMPERATURE = 0.9
RAW_CHARS_MAX = 8000


class Synthesizer:
    """Thinks about pairs with one model."""

    def __init__(self, model: PaidModel, forms: Forms) -> None:
        self._model = model
        self._forms = forms

    def plan(self) -> StagePlan:
        """The most that one sample can cost: the question with both facts, and its repair."""
        return self._model.plan(self._forms)

    async def propose(self, pair: PairSampled) -> list[HypothesisProposed]:
        """The hypotheses of a pair, in the order of their samples."""
        return [await self._sample(pair, sample) for sample in range(pair.samples)]

    async def _sample(self, pair: PairSampled, sample: int) -> HypothesisProposed:
        form = form_of(self._forms, pair.plan)
        hypothesis_id = hypothesis_id_of(pair.pair_id, form.prompt.ref.digest, sample)
        question = Question(
            key=hypothesis_id, envelope_id=pair.envelope_id, prompt=form.prompt,
            messages=form.prompt.fill(**to_link(pair)),
            output_tokens_max=form.output_tokens_max, temperature=TEMPERATURE, repair=form.repair,
        )  # fmt: skip
        reply = await self._model.ask(question, SynthesisAnswer)
        answer = reply.value
        synthesis = answer.synthesis() if answer else None
        return HypothesisProposed(
            hypothesis_id=hypothesis_id,
            pair=pair,
            sample=sample,
            synthesis=synthesis,
            abstention=(answer.reasoning.strip() or "no reason given") if answer and not synthesis else None,
            unreadable=None if answer else reply.text[:RAW_CHARS_MAX],
            calls=reply.calls,
            proposed_at=datetime.now(UTC),
        )
