"""From a pair to its hypotheses: one question per sample, an abstention where there is no worthwhile link.

Each sample is written by one of the writers (`mixture`), after examples where they are wanted (`examples`). Neither enters the name of the question: the
answer that is there is taken, whoever wrote it, so a second delivery pays nothing even if it would choose otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from daydream_shared.clearance import Clearances
from daydream_shared.following import Following
from daydream_shared.llm.ask import PaidModel, Question
from daydream_shared.llm.forms import Form, Forms, form_of
from daydream_shared.llm.material import to_link, to_link_after
from daydream_shared.messages import Example, HypothesisProposed, PairSampled, hypothesis_id_of
from daydream_shared.money.plans import Cost, StagePlan
from daydream_synthesizer.answer import SynthesisAnswer
from daydream_synthesizer.examples import Examples, Shown
from daydream_synthesizer.mixture import WriterYields, choose

TEMPERATURE = 0.9
RAW_CHARS_MAX = 8000
HOLES_AFTER = frozenset({"first", "second", "examples"})


class Synthesizer:
    """Thinks about pairs."""

    def __init__(
        self, writers: Mapping[str, PaidModel], forms: Forms, following: Following[WriterYields] | None = None, examples: Examples | None = None,
        *, floor: float = 0.0, clearances: Clearances | None = None,
    ) -> None:  # fmt: skip
        """`following`: what writers have brought, where there are several; `examples`: None where none are shown."""
        self._writers = writers
        self._forms = forms
        self._following = following
        self._examples = examples
        self._floor = floor
        self._clearances = clearances or Clearances()

    def plan(self) -> StagePlan:
        """The most that one sample can cost, by the dearest writer: the question with both facts, and its repair."""
        plans = [model.plan(self._forms) for model in self._writers.values()]
        first = plans[0]
        smaller = {size: _dearest([plan.smaller[size] for plan in plans]) for size in first.smaller}
        lowest = self._clearances.lowest(plan.clearance for plan in plans)
        others = tuple(plan.model for plan in plans[1:])
        return first.model_copy(update={"or_models": others, "clearance": lowest, "smaller": smaller, **_dearest(plans).model_dump()})

    async def propose(self, pair: PairSampled) -> list[HypothesisProposed]:
        """The hypotheses of a pair, in the order of their samples."""
        form = form_of(self._forms, pair.plan)
        shown = await self._examples.beside(pair) if self._examples and form.prompt.holes == HOLES_AFTER else []
        return [await self._sample(pair, sample, form, shown) for sample in range(pair.samples)]

    async def _sample(self, pair: PairSampled, sample: int, form: Form, shown: list[Shown]) -> HypothesisProposed:
        hypothesis_id = hypothesis_id_of(pair.pair_id, form.prompt.ref.digest, sample)
        writer = self._writer(hypothesis_id)
        filled = to_link_after(pair, [(interesting, one) for _, interesting, one in shown]) if form.prompt.holes == HOLES_AFTER else to_link(pair)
        question = Question(
            key=hypothesis_id, envelope_id=pair.envelope_id, prompt=form.prompt,
            messages=form.prompt.fill(**filled),
            output_tokens_max=form.output_tokens_max, temperature=TEMPERATURE, repair=form.repair,
        )  # fmt: skip
        reply = await self._writers[writer].ask(question, SynthesisAnswer)
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
            writer=writer,
            examples=tuple(Example(verdict_id=name, interesting=interesting) for name, interesting, _ in shown),
            proposed_at=datetime.now(UTC),
        )

    def _writer(self, hypothesis_id: str) -> str:
        yields = self._following.fold if self._following else WriterYields()
        return choose(tuple(self._writers), yields, floor=self._floor, seed=hypothesis_id)


def _dearest(costs: list[Cost] | list[StagePlan]) -> Cost:
    """A bound of all of them."""
    return Cost(
        fixed_nanousd=max(cost.fixed_nanousd for cost in costs), nanousd_per_fact_byte=max(cost.nanousd_per_fact_byte for cost in costs)
    )  # fmt: skip
