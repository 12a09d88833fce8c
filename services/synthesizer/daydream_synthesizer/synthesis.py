"""From a pair to its hypotheses: one question per sample, an abstention where there is no worthwhile link.

Each sample is written by one of the writers (`mixture`), after examples where they are wanted (`examples`). Neither enters the name of the question: the
answer that is there is taken, whoever wrote it, so a second delivery pays nothing even if it would choose otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from daydream_contracts.access import Clearances
from daydream_contracts.events import (
    HypothesisProposed,
    PairSampled,
    PromptExample,
    hypothesis_id_of,
)
from daydream_contracts.prompts import link_after_examples_variables, link_variables
from daydream_models.client import BudgetedModelClient, ModelRequest
from daydream_models.request_spec import RequestSpec, RequestSpecs, request_spec_of
from daydream_models.reservations import StageCost, StagePlan
from daydream_runtime.projection import Projector
from daydream_synthesizer.answer import SynthesisAnswer
from daydream_synthesizer.examples import ExamplePicker, Shown
from daydream_synthesizer.writer_history import WriterHistory, choose

TEMPERATURE = 0.9
RAW_CHARS_MAX = 8000
HOLES_AFTER = frozenset({"first", "second", "examples"})


class Synthesizer:
    """Thinks about pairs."""

    def __init__(
        self,
        writers: Mapping[str, BudgetedModelClient],
        forms: RequestSpecs,
        following: Projector[WriterHistory] | None = None,
        examples: ExamplePicker | None = None,
        *,
        floor: float = 0.0,
        clearances: Clearances | None = None,
    ) -> None:
        """`following`: what writers have brought, where there are several; `examples`: None where none are shown."""
        self._writers = writers
        self.request_specs = forms
        self._following = following
        self._examples = examples
        self._floor = floor
        self._clearances = clearances or Clearances()

    def plan(self) -> StagePlan:
        """The most that one sample can cost, by the dearest writer: the question with both facts, and its repair."""
        plans = [model.plan(self.request_specs) for model in self._writers.values()]
        first = plans[0]
        smaller = {size: _dearest([plan.smaller[size] for plan in plans]) for size in first.smaller}
        lowest = self._clearances.lowest(plan.clearance for plan in plans)
        others = tuple(plan.model for plan in plans[1:])
        return first.model_copy(
            update={
                "alternative_models": others,
                "clearance": lowest,
                "smaller": smaller,
                **_dearest(plans).model_dump(),
            }
        )

    async def propose(self, pair: PairSampled) -> list[HypothesisProposed]:
        """The hypotheses of a pair, in the order of their samples."""
        form = request_spec_of(self.request_specs, pair.plan)
        shown = (
            await self._examples.pick(pair)
            if self._examples and form.prompt.holes == HOLES_AFTER
            else []
        )
        return [await self._sample(pair, sample, form, shown) for sample in range(pair.samples)]

    async def _sample(
        self, pair: PairSampled, sample: int, form: RequestSpec, shown: list[Shown]
    ) -> HypothesisProposed:
        hypothesis_id = hypothesis_id_of(pair.pair_id, form.prompt.ref.digest, sample)
        writer = self._writer(hypothesis_id)
        filled = (
            link_after_examples_variables(
                pair, [(interesting, one) for _, interesting, one in shown]
            )
            if form.prompt.holes == HOLES_AFTER
            else link_variables(pair)
        )
        question = ModelRequest(
            key=hypothesis_id,
            reservation_id=pair.reservation_id,
            prompt=form.prompt,
            messages=form.prompt.fill(**filled),
            output_tokens_max=form.output_tokens_max,
            temperature=TEMPERATURE,
            repair=form.repair,
        )
        reply = await self._writers[writer].ask(question, SynthesisAnswer)
        answer = reply.value
        synthesis = answer.synthesis() if answer else None
        return HypothesisProposed(
            hypothesis_id=hypothesis_id,
            pair=pair,
            sample=sample,
            synthesis=synthesis,
            abstention=(answer.reasoning.strip() or "no reason given")
            if answer and not synthesis
            else None,
            unreadable=None if answer else reply.text[:RAW_CHARS_MAX],
            calls=reply.calls,
            writer=writer,
            examples=tuple(
                PromptExample(verdict_id=name, interesting=interesting)
                for name, interesting, _ in shown
            ),
            proposed_at=datetime.now(UTC),
        )

    def _writer(self, hypothesis_id: str) -> str:
        yields = self._following.projection if self._following else WriterHistory()
        return choose(tuple(self._writers), yields, floor=self._floor, seed=hypothesis_id)


def _dearest(costs: list[StageCost] | list[StagePlan]) -> StageCost:
    """A bound of all of them."""
    return StageCost(
        fixed_nanousd=max(cost.fixed_nanousd for cost in costs),
        nanousd_per_fact_byte=max(cost.nanousd_per_fact_byte for cost in costs),
    )
