"""The examination of one candidate, and the verdict that it ends with."""

from __future__ import annotations

from datetime import UTC, datetime

from daydream_contracts.events import (
    Decision,
    Examination,
    ModelCall,
    NearestMatch,
    Refutation,
    VerdictReached,
    verdict_id_of,
)
from daydream_critic.families import family_of
from daydream_critic.oracle.alone import alone
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.refuting import refute
from daydream_models.client import BudgetedModelClient
from daydream_models.request_spec import RequestSpec, RequestSpecs, request_spec_of
from daydream_models.reservations import FULL, ORACLE, StageCost, StagePlan


class Oracle:
    """Examines candidates."""

    def __init__(
        self,
        model: BudgetedModelClient,
        forms: RequestSpecs,
        control: RequestSpec,
        evidence: EvidenceRetriever,
        attempts: int,
        *,
        controls: bool,
    ) -> None:
        """`control`: how it is asked what one fact suggests; `controls`: whether it is."""
        self._model = model
        self._forms = forms
        self._control = control
        self._evidence = evidence
        self._attempts = attempts
        self._controls = controls

    def plan(self) -> StagePlan:
        """The most that one examination can cost: every attempt, and what each fact alone suggests; near a cap the attempts alone."""
        attempt = self._model.plan(self._forms)
        reduced = {size: _times(self._attempts, cost) for size, cost in attempt.reduced.items()}
        whole = _times(self._attempts, attempt)
        if self._controls:
            once = self._model.plan(
                {FULL: self._control}
            )  # of both facts together their bytes are asked about once
            whole = StageCost(
                fixed_nanousd=whole.fixed_nanousd + 2 * once.fixed_nanousd,
                nanousd_per_fact_byte=whole.nanousd_per_fact_byte + once.nanousd_per_fact_byte,
            )
        return attempt.model_copy(update={"reduced": reduced, **whole.model_dump()})

    async def examine(self, deferred: VerdictReached) -> VerdictReached:
        """The verdict in place of the judges' deferred one."""
        proposed, synthesis = deferred.hypothesis, deferred.hypothesis.synthesis
        assert synthesis is not None
        size, calls = proposed.pair.plan, list[ModelCall]()
        statements, missing = await self._evidence.find(proposed, synthesis)
        if self._controls and size == FULL:
            for fact in (proposed.pair.first, proposed.pair.second):
                said, paid = await alone(self._model, self._control, proposed, fact)
                statements, calls = statements + said, [*calls, *paid]
        attempts: list[Refutation] = []
        while len(attempts) < self._attempts and not any(one.holds for one in attempts):
            one, paid = await refute(
                self._model,
                request_spec_of(self._forms, size),
                proposed,
                synthesis,
                statements,
                len(attempts),
            )
            attempts.append(one)
            calls.extend(paid)
        kin = any(
            family_of(call.model) == family_of(self._model.settings.name) for call in proposed.calls
        )
        examination = Examination(
            statements=statements, attempts=tuple(attempts), missing=missing, self_examined=kin
        )
        return ended(deferred, examination, tuple(calls))


def ended(
    deferred: VerdictReached, examination: Examination, calls: tuple[ModelCall, ...]
) -> VerdictReached:
    """The judges' verdict with what the oracle found."""
    decision, reason, explanation, known = _decided(examination)
    return deferred.model_copy(
        update={
            "verdict_id": verdict_id_of(deferred.hypothesis.hypothesis_id, ORACLE, deferred.round),
            "role": ORACLE,
            "decision": decision,
            "final": True,
            "reason": deferred.reason if reason is None else reason,
            "explanation": f"{explanation}; the judges: {deferred.explanation}",
            "nearest": known or deferred.nearest,
            "examination": examination,
            "calls": (*deferred.calls, *calls),
            "cost_nanousd": deferred.cost_nanousd + sum(call.cost_nanousd for call in calls),
            "saved_nanousd": deferred.saved_nanousd + sum(call.saved_nanousd for call in calls),
            "reached_at": datetime.now(UTC),
        }
    )


def _decided(examination: Examination) -> tuple[Decision, str | None, str, NearestMatch | None]:
    """Decision, reason (None: that of the judges), explanation, and what says the same already."""
    read = [one for one in examination.attempts if one.holds is not None]
    if not read:
        return (
            Decision.DISCARDED,
            "oracle-unreadable",
            "none of the oracle's answers could be read, even after asking again",
            None,
        )
    if any(one.holds for one in read):
        return (
            Decision.PROMOTED,
            None,
            f"the oracle could not refute it: {_end(read[-1].case)}",
            None,
        )
    named = next((one for one in read if one.same_as is not None), read[0])
    same = named.same_as
    if same is None:
        return Decision.REFUTED, "refuted", f"the oracle refuted it: {_end(named.case)}", None
    if same.what == "alone":
        return (
            Decision.REFUTED,
            "one-fact",
            f"one of its facts alone suggests as much: {_end(same.text)}",
            None,
        )
    known = (
        NearestMatch(what=same.what, id=same.id, text=same.text, similarity=same.similarity or 0.0)
        if same.what in ("fact", "insight")
        else None
    )
    return (
        Decision.REFUTED,
        "prior-art",
        f"known already, as the {same.what} {same.id}: {_end(same.text)}",
        known,
    )


def _end(text: str) -> str:
    """Without the full stop: something follows."""
    return text.rstrip(". ")


def _times(count: int, cost: StageCost) -> StageCost:
    return StageCost(
        fixed_nanousd=count * cost.fixed_nanousd,
        nanousd_per_fact_byte=count * cost.nanousd_per_fact_byte,
    )
