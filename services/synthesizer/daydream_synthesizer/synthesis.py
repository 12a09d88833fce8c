"""From a pair to its hypotheses: one question per sample, an abstention where there is no worthwhile link."""

from __future__ import annotations

from datetime import UTC, datetime

from daydream_shared.llm.ask import PaidModel, Question
from daydream_shared.llm.prompt import Prompt
from daydream_shared.messages import HypothesisProposed, PairSampled, hypothesis_id_of
from daydream_shared.money.plans import StagePlan
from daydream_synthesizer.answer import SynthesisAnswer, tokens_max

TEMPERATURE = 0.9
RAW_CHARS_MAX = 8000


class Synthesizer:
    """Thinks about pairs with one model and one prompt."""

    def __init__(self, model: PaidModel, prompt: Prompt) -> None:
        self._model = model
        self._prompt = prompt
        self._tokens_max = tokens_max(brief=model.settings.brief)

    def plan(self) -> StagePlan:
        """The most that one sample can cost: the question with both facts, and its repair."""
        return self._model.plan(self._prompt, text_bytes_max=0, facts=1, output_tokens_max=self._tokens_max)

    async def propose(self, pair: PairSampled) -> list[HypothesisProposed]:
        """The hypotheses of a pair, in the order of their samples."""
        return [await self._sample(pair, sample) for sample in range(pair.samples)]

    async def _sample(self, pair: PairSampled, sample: int) -> HypothesisProposed:
        hypothesis_id = hypothesis_id_of(pair.pair_id, self._prompt.ref.digest, sample)
        question = Question(
            key=hypothesis_id, envelope_id=pair.envelope_id, prompt=self._prompt,
            messages=self._prompt.fill(first=pair.first.text, second=pair.second.text),
            output_tokens_max=self._tokens_max, temperature=TEMPERATURE,
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
