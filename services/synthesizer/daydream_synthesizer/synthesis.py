"""Turn a pair into hypotheses: one request per sample, or an abstention if there is no link.

Each sample is written by one of the writers (`writer_history`), after examples if these are on
(`examples`). Neither enters the key of the request. So a second delivery uses the stored answer of
any writer and pays nothing, even if it would choose another writer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce

from daydream_contracts.access import Clearances
from daydream_contracts.events import (
    HypothesisProposed,
    PairHypotheses,
    PairSampled,
    PromptExample,
    hypothesis_id_of,
)
from daydream_contracts.prompt_variables import link_after_examples_variables, link_variables
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpec, RequestSpecs, request_spec_of
from daydream_models.stage_plans import StageCost, StagePlan
from daydream_runtime.verdict_projection import Projector
from daydream_synthesizer.answer import ProseSynthesis, SynthesisAnswer
from daydream_synthesizer.examples import ExamplePicker, ShownExample
from daydream_synthesizer.writer_history import WriterHistory, choose

TEMPERATURE = 0.9
RAW_CHARS_MAX = 8000
NO_REASON = "no reason given"
PLACEHOLDERS = frozenset({"first", "second"})
PLACEHOLDERS_WITH_EXAMPLES = PLACEHOLDERS | {"examples"}


@dataclass(frozen=True)
class Synthesizer:
    """Propose links between the two facts of a pair.

    `projector` has the record of the writers, if there are several. `examples` is None if none are
    shown. `floor` is the share of hypotheses whose writer is drawn evenly.
    """

    writers: Mapping[str, ModelClient]
    request_specs: RequestSpecs
    projector: Projector[WriterHistory] | None = None
    examples: ExamplePicker | None = None
    floor: float = field(default=0.0, kw_only=True)
    clearances: Clearances = field(default_factory=Clearances, kw_only=True)

    def plan(self) -> StagePlan:
        """Return the maximum cost of one sample, by the most expensive writer.

        The plan has the clearance that all writers share.
        """
        plans = [model.plan(self.request_specs) for model in self.writers.values()]
        sizes = plans[0].reduced
        reduced = {size: _highest([plan.reduced[size] for plan in plans]) for size in sizes}
        return plans[0].model_copy(
            update={
                "alternative_models": tuple(plan.model for plan in plans[1:]),
                "clearance": self.clearances.lowest(plan.clearance for plan in plans),
                "reduced": reduced,
                **_highest(plans).costs(),
            }
        )

    async def propose(self, pair: PairSampled) -> list[HypothesisProposed]:
        """Return the hypotheses of a pair, in the order of their samples."""
        spec = request_spec_of(self.request_specs, pair.plan)
        examples = []
        if self.examples and _takes_examples(spec):
            examples = await self.examples.pick(pair)
        return _together(
            [
                await self._propose_sample(pair, sample, spec, examples)
                for sample in range(pair.samples)
            ]
        )

    async def _propose_sample(
        self, pair: PairSampled, sample: int, spec: RequestSpec, examples: Sequence[ShownExample]
    ) -> HypothesisProposed:
        hypothesis_id = hypothesis_id_of(pair.pair_id, spec.prompt.ref.digest, sample)
        writer = self._choose_writer(hypothesis_id)
        request = ModelRequest(
            key=hypothesis_id,
            reservation_id=pair.reservation_id,
            prompt=spec.prompt,
            messages=spec.prompt.fill(**_variables(pair, spec, examples)),
            output_tokens_max=spec.output_tokens_max,
            temperature=TEMPERATURE,
            repair=spec.repair,
        )
        reply = await self.writers[writer].request(request, _answer_of(spec))
        return HypothesisProposed(
            hypothesis_id=hypothesis_id,
            pair=pair,
            sample=sample,
            synthesis=reply.value.synthesis() if reply.value else None,
            abstention=_abstention(reply),
            unreadable=None if reply.value or reply.filtered else reply.text[:RAW_CHARS_MAX],
            filtered=reply.filtered[:RAW_CHARS_MAX] or None,
            calls=reply.calls,
            writer=writer,
            examples=tuple(
                PromptExample(verdict_id=example.verdict_id, interesting=example.interesting)
                for example in examples
            ),
            proposed_at=datetime.now(UTC),
        )

    def _choose_writer(self, hypothesis_id: str) -> str:
        history = self.projector.projection if self.projector else WriterHistory()
        return choose(tuple(self.writers), history, floor=self.floor, seed=hypothesis_id)


def _together(proposed: list[HypothesisProposed]) -> list[HypothesisProposed]:
    """Return them with each other's texts, where several state a link."""
    linked = [each for each in proposed if each.synthesis is not None]
    if len(linked) < 2:
        return proposed
    syntheses = tuple(each.synthesis for each in linked if each.synthesis is not None)
    place_of = {each.hypothesis_id: place for place, each in enumerate(linked)}
    return [
        each.model_copy(
            update={
                "together": PairHypotheses(syntheses=syntheses, place=place_of[each.hypothesis_id])
            }
        )
        if each.hypothesis_id in place_of
        else each
        for each in proposed
    ]


def _answer_of(spec: RequestSpec) -> type[SynthesisAnswer] | type[ProseSynthesis]:
    return ProseSynthesis if spec.prompt.is_prose else SynthesisAnswer


def _takes_examples(spec: RequestSpec) -> bool:
    return spec.prompt.placeholders == PLACEHOLDERS_WITH_EXAMPLES


def _variables(
    pair: PairSampled, spec: RequestSpec, examples: Sequence[ShownExample]
) -> dict[str, str]:
    if not _takes_examples(spec):
        return link_variables(pair)
    shown = [(example.interesting, example.synthesis) for example in examples]
    return link_after_examples_variables(pair, shown)


def _abstention(reply: ModelReply[SynthesisAnswer | ProseSynthesis]) -> str | None:
    """Return why there is no link; None if there is one, or if the answer could not be read."""
    answer = reply.value
    if not isinstance(answer, SynthesisAnswer) or answer.synthesis() is not None:
        return None
    return answer.gist.strip() or answer.reasoning.strip() or NO_REASON


def _highest(costs: Sequence[StageCost]) -> StageCost:
    """Return an upper bound of all these costs."""
    return reduce(StageCost.highest, costs)
