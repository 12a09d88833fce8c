"""Examine one candidate: collect statements, then try to refute it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from daydream_contracts.events import (
    Examination,
    HypothesisProposed,
    ModelCall,
    Refutation,
    Statement,
    Synthesis,
    VerdictReached,
)
from daydream_critic.families import family_of, is_related
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.refutation import refute
from daydream_critic.oracle.single_fact import suggest
from daydream_critic.oracle.verdict import verdict_after
from daydream_models.client import ModelClient
from daydream_models.request_spec import RequestSpec, RequestSpecs, request_spec_of
from daydream_models.stage_plans import FULL, StageCost, StagePlan


@dataclass(frozen=True)
class Oracle:
    """Examines candidates.

    `requests` are those of an attempt, by size of a plan. `control` asks what one fact suggests, if
    `controls` is True.
    """

    model: ModelClient
    requests: RequestSpecs
    control: RequestSpec
    evidence: EvidenceRetriever
    attempts: int
    controls: bool

    def plan(self) -> StagePlan:
        """Return the maximum cost of one examination: all attempts and both controls.

        Reduced plans have the attempts alone.
        """
        attempt = self.model.plan(self.requests)
        reduced = {size: cost.times(self.attempts) for size, cost in attempt.reduced.items()}
        full = attempt.times(self.attempts)
        if self.controls:
            control = self.model.plan({FULL: self.control})
            full = full.plus(_both_controls(control))
        return attempt.model_copy(update={"reduced": reduced, **full.costs()})

    async def examine(self, deferred: VerdictReached) -> VerdictReached:
        """Return the verdict that replaces the judges' deferred one."""
        proposed = deferred.hypothesis
        statements, missing, control_calls = await self._statements(proposed)
        refutations, attempt_calls = await self._refutations(proposed, statements)
        examination = Examination(
            statements=statements,
            attempts=refutations,
            missing=missing,
            self_examined=is_related(family_of(self.model.settings.name), proposed),
        )
        return verdict_after(deferred, examination, (*control_calls, *attempt_calls))

    async def _statements(
        self, proposed: HypothesisProposed
    ) -> tuple[tuple[Statement, ...], tuple[str, ...], tuple[ModelCall, ...]]:
        """Return statements, one line per source that was not asked, and the calls."""
        statements, missing = await self.evidence.find(proposed, _synthesis_of(proposed))
        if not self.controls or proposed.pair.plan != FULL:
            return statements, missing, ()
        calls: tuple[ModelCall, ...] = ()
        for fact in (proposed.pair.first, proposed.pair.second):
            suggested, fact_calls = await suggest(self.model, self.control, proposed, fact)
            statements, calls = statements + suggested, calls + fact_calls
        return statements, missing, calls

    async def _refutations(
        self, proposed: HypothesisProposed, statements: Sequence[Statement]
    ) -> tuple[tuple[Refutation, ...], tuple[ModelCall, ...]]:
        """Return attempts up to the first one that the hypothesis withstands, and the calls."""
        request = request_spec_of(self.requests, proposed.pair.plan)
        synthesis = _synthesis_of(proposed)
        refutations: list[Refutation] = []
        calls: list[ModelCall] = []
        for attempt in range(self.attempts):
            refutation, attempt_calls = await refute(
                self.model, request, proposed, synthesis, statements, attempt
            )
            refutations.append(refutation)
            calls.extend(attempt_calls)
            if refutation.holds:
                break
        return tuple(refutations), tuple(calls)


def _synthesis_of(proposed: HypothesisProposed) -> Synthesis:
    if proposed.synthesis is None:
        raise ValueError("an abstention is no candidate")
    return proposed.synthesis


def _both_controls(control: StageCost) -> StageCost:
    """Return the cost of both controls: each sees one fact, together the pair once."""
    one_fact = {
        "nanousd_per_fact_byte": control.nanousd_per_fact_byte,
        "expected_nanousd_per_fact_byte": control.expected_nanousd_per_fact_byte,
    }
    return control.times(2).model_copy(update=one_fact)
