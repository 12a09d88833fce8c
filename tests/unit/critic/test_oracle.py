"""How the oracle examines a candidate. What its model answers is scripted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest
from nats.js.errors import KeyNotFoundError

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import (
    Aggregation,
    CandidateNominated,
    Decision,
    Fact,
    FactKind,
    HypothesisProposed,
    Judgement,
    ModelCall,
    NearestMatch,
    PromptRef,
    Scores,
    Statement,
    VerdictReached,
    insight_id_of,
    verdict_id_of,
)
from daydream_contracts.prompts import order_statements
from daydream_contracts.rpc import NearestMatches, SearchHit, SearchResults
from daydream_critic.oracle import literature
from daydream_critic.oracle.alone import AloneAnswer
from daydream_critic.oracle.app import control_form, forms
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.examining import Oracle
from daydream_critic.oracle.literature import Publication, literature_of
from daydream_critic.oracle.settings import OracleSettings
from daydream_critic.pipeline.critic import Critic
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.settings import CriticSettings as CriticSettings
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpecs
from daydream_models.reservations import SHORT, StageCost, StagePlan
from daydream_models.settings import ModelSettings
from support.samples import AT, fact, hypothesis

Answer = (
    tuple[str, int] | None
)  # verdict and the number of the statement that says the same; None can't be read


@dataclass
class Scripted:
    """A model that gives these answers in turn."""

    answers: list[Answer]
    alone: Sequence[str] = ("Ice floats.",)
    name: str = "gpt-5"
    asked: list[ModelRequest] = field(default_factory=list)

    @property
    def settings(self) -> ModelSettings:
        return ModelSettings(name=self.name)

    async def request(self, question: ModelRequest, kind: type[Any]) -> ModelReply[Any]:
        self.asked.append(question)
        call = ModelCall(
            call_id=question.key,
            model=self.name,
            prompt=PromptRef(name=question.prompt.name, digest="d"),
            input_tokens=1,
            output_tokens=1,
            cost_nanousd=10,
        )
        if kind is AloneAnswer:
            return ModelReply(
                kind(hypotheses=list(self.alone)) if self.alone else None, "", (call,)
            )
        answer = self.answers.pop(0)
        return ModelReply(
            answer and kind(case="It may be chance.", verdict=answer[0], same_as=answer[1]),
            "no JSON",
            (call,),
        )

    def plan(self, forms: RequestSpecs) -> StagePlan:
        reduced = {
            size: StageCost(fixed_nanousd=100, nanousd_per_fact_byte=1)
            for size in forms
            if size != "full"
        }
        return StagePlan(
            stage="oracle",
            model=self.name,
            fixed_nanousd=1000,
            nanousd_per_fact_byte=3,
            reduced=reduced,
        )

    @property
    def prompts(self) -> list[str]:
        return [question.prompt.name for question in self.asked]


def known(number: int, text: str, **more: Any) -> SearchHit:
    return SearchHit(fact=fact(number, text).model_copy(update=more), similarity=0.5)


def evidence(
    *hits: SearchHit, clearance: str = "", search: literature.Literature | None = None
) -> EvidenceRetriever:
    async def memory(_: Any, __: Any) -> SearchResults:
        return SearchResults(hits=hits)

    return EvidenceRetriever(memory, Clearances(("internal", "secret")), clearance, 6, search, 3)  # type: ignore[arg-type]


def candidate(proposed: HypothesisProposed | None = None) -> VerdictReached:
    of = proposed or hypothesis()
    return VerdictReached(
        verdict_id=verdict_id_of(of.hypothesis_id, "critic", 1),
        hypothesis=of,
        role="critic",
        round=1,
        decision=Decision.DEFERRED,
        reason="quota",
        explanation="log-odds 1.2",
        final=False,
        aggregation=Aggregation(rule="quota"),
        cost_nanousd=500,
        reached_at=AT,
    )


def examined(
    model: Scripted,
    deferred: VerdictReached | None = None,
    found: EvidenceRetriever | None = None,
    **settings: Any,
) -> VerdictReached:
    of = OracleSettings(**settings)
    oracle = Oracle(
        model, forms(of), control_form(of), found or evidence(), of.attempts, controls=of.controls
    )  # type: ignore[arg-type]
    return asyncio.run(oracle.examine(deferred or candidate()))


def test_what_withstands_the_first_attempt_is_promoted_and_keeps_what_the_judges_said() -> None:
    model = Scripted([("holds", 0)])
    verdict = examined(model)
    assert (verdict.decision, verdict.reason, verdict.final, verdict.role) == (
        Decision.PROMOTED,
        "quota",
        True,
        "oracle",
    )
    assert verdict.verdict_id == verdict_id_of(verdict.hypothesis.hypothesis_id, "oracle", 1)
    assert "log-odds 1.2" in verdict.explanation
    assert verdict.aggregation == Aggregation(rule="quota")
    assert model.prompts == ["alone.v1", "alone.v1", "refute.v1"]
    assert verdict.cost_nanousd == 500 + 3 * 10
    assert len(verdict.calls) == 3


def test_only_when_every_attempt_refutes_it_is_it_refuted() -> None:
    verdict = examined(Scripted([("refuted", 0), ("refuted", 0)]))
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "refuted")
    assert verdict.examination is not None
    assert [one.holds for one in verdict.examination.attempts] == [False, False]
    saved = examined(Scripted([("refuted", 0), ("holds", 0)]))
    assert saved.decision is Decision.PROMOTED
    assert examined(Scripted([("refuted", 0)]), attempts=1).decision is Decision.REFUTED


def test_the_second_attempt_is_another_question_with_everything_in_the_other_order() -> None:
    model = Scripted([("refuted", 0), ("refuted", 0)])
    examined(
        model,
        found=evidence(known(8, "Salt was money."), known(9, "Ice is slippery.")),
        controls=False,
    )
    first, second = model.asked
    assert first.key != second.key
    assert first.temperature < second.temperature
    seen = [question.messages[1]["content"] for question in model.asked]
    assert all("1. " in text and "2. " in text and "3. " not in text for text in seen)
    assert (seen[0].index("Salt") < seen[0].index("Ice")) != (
        seen[1].index("Salt") < seen[1].index("Ice")
    )
    assert (seen[0].index("number 0") < seen[0].index("number 1")) != (
        seen[1].index("number 0") < seen[1].index("number 1")
    )


def test_prior_art_is_named() -> None:
    hits = (known(8, "Salt was money."), known(9, "Ice is slippery.", kind=FactKind.INSIGHT))
    statements = [Statement(what="", id=hit.fact.fact_id, text=hit.fact.text) for hit in hits]
    at = [one.id for one in order_statements(statements, 0)].index(hits[1].fact.fact_id)
    verdict = examined(
        Scripted([("holds", at + 1), ("refuted", 0)]), found=evidence(*hits), controls=False
    )
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "prior-art")
    assert verdict.nearest is not None
    assert (verdict.nearest.what, verdict.nearest.id, verdict.nearest.similarity) == (
        "insight",
        hits[1].fact.fact_id,
        0.5,
    )
    assert hits[1].fact.fact_id in verdict.explanation


def test_what_one_fact_alone_suggests_is_no_bridge() -> None:
    verdict = examined(
        Scripted([("holds", 1), ("holds", 2)], alone=["Meandering rivers delay floods."])
    )
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "one-fact")
    assert verdict.examination is not None
    assert {one.what for one in verdict.examination.statements} == {"alone"}
    assert [one.id for one in verdict.examination.statements] == [
        verdict.hypothesis.pair.first.fact_id,
        verdict.hypothesis.pair.second.fact_id,
    ]


def test_the_control_sees_one_fact_and_nothing_of_the_hypothesis() -> None:
    model = Scripted([("holds", 0)])
    verdict = examined(model)
    pair, synthesis = verdict.hypothesis.pair, verdict.hypothesis.synthesis
    assert synthesis is not None
    for question, own, other in zip(
        model.asked[:2], (pair.first, pair.second), (pair.second, pair.first), strict=True
    ):
        said = question.messages[1]["content"]
        assert own.text in said
        assert other.text not in said
        assert synthesis.hypothesis not in said


@pytest.mark.parametrize(
    "answers", [[None, None], [("holds", 99), ("refuted", 7)]], ids=["no JSON", "no such statement"]
)
def test_an_oracle_that_can_not_be_read_lets_nothing_through(answers: list[Answer]) -> None:
    verdict = examined(Scripted(answers, alone=()))
    assert (verdict.decision, verdict.reason) == (Decision.DISCARDED, "oracle-unreadable")


def test_an_attempt_that_can_not_be_read_neither_saves_nor_kills() -> None:
    assert examined(Scripted([None, ("holds", 0)])).decision is Decision.PROMOTED
    assert examined(Scripted([None, ("refuted", 0)])).decision is Decision.REFUTED


def test_near_a_cap_there_are_attempts_alone() -> None:
    proposed = hypothesis()
    model = Scripted([("holds", 0)])
    verdict = examined(
        model,
        candidate(
            proposed.model_copy(update={"pair": proposed.pair.model_copy(update={"plan": SHORT})})
        ),
    )
    assert verdict.decision is Decision.PROMOTED
    assert model.prompts == ["refute.v1"]


def test_the_plan_pays_for_every_attempt_and_both_controls() -> None:
    of = OracleSettings(attempts=3)
    model = Scripted([])
    plan = Oracle(model, forms(of), control_form(of), evidence(), of.attempts, controls=True).plan()  # type: ignore[arg-type]
    assert (plan.fixed_nanousd, plan.nanousd_per_fact_byte) == (3 * 1000 + 2 * 1000, 3 * 3 + 3)
    assert plan.reduced[SHORT].fixed_nanousd == 300
    without = Oracle(
        model, forms(of), control_form(of), evidence(), of.attempts, controls=False
    ).plan()  # type: ignore[arg-type]
    assert without.fixed_nanousd == 3000


def test_the_form_has_room_for_the_most_that_can_be_shown() -> None:
    of = OracleSettings(known_max=20)
    hits = [known(number, "é" * 2000) for number in range(10, 35)]
    model = Scripted([("holds", 0)], alone=["ü" * 2000] * 2)
    verdict = examined(model, found=evidence(*hits), known_max=20)
    assert verdict.examination is not None
    form = forms(of)["full"]
    said = sum(len(message["content"].encode()) for message in model.asked[-1].messages)
    facts = len(verdict.hypothesis.pair.first.text.encode()) + len(
        verdict.hypothesis.pair.second.text.encode()
    )
    assert said <= form.prompt.fixed_bytes + form.text_bytes_max + facts + 8 * 80


def shown(found: EvidenceRetriever, proposed: HypothesisProposed) -> set[str]:
    assert proposed.synthesis is not None
    statements, _ = asyncio.run(found.find(proposed, proposed.synthesis))
    return {one.text for one in statements}


def test_only_what_may_be_seen_beside_the_hypothesis_is_shown() -> None:
    proposed = hypothesis()
    own = SearchHit(fact=proposed.pair.first, similarity=0.9)
    itself = known(7, "itself", fact_id=insight_id_of(proposed.hypothesis_id))
    hits = (
        known(11, "open"),
        known(2, "ours", team="ours"),
        known(3, "theirs", team="theirs"),
        known(4, "asked", kind=FactKind.QUESTION),
        known(5, "internal", clearance="internal"),
        known(6, "secret", clearance="secret"),
        own,
        itself,
    )
    assert shown(evidence(*hits, clearance="secret"), proposed) == {"open"}

    def of(**more: str) -> HypothesisProposed:
        changed: Fact = proposed.pair.first.model_copy(update=more)
        return proposed.model_copy(
            update={"pair": proposed.pair.model_copy(update={"first": changed})}
        )

    assert shown(evidence(*hits, clearance="secret"), of(team="ours")) == {"open", "ours"}
    assert shown(evidence(*hits, clearance="secret"), of(clearance="internal")) == {
        "open",
        "internal",
    }
    assert shown(evidence(*hits, clearance="internal"), of(clearance="secret")) == {
        "open",
        "internal",
    }


async def found_in_print(query: str, limit: int) -> list[Publication]:
    assert "river" in query
    return [
        Publication(f"doi:{number}", "On rivers", "They meander.") for number in range(limit + 5)
    ]


async def away(query: str, limit: int) -> list[Publication]:
    raise ConnectionError("the library is closed")


def test_publications_are_held_against_it_where_a_search_is_installed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point = EntryPoint("mine", f"{__name__}:found_in_print", literature.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _: found_in_print)
    monkeypatch.setattr(
        literature, "entry_points", lambda group: [point] if group == literature.GROUP else []
    )
    search = literature_of("mine")
    assert shown(evidence(search=search), hypothesis()) == {"On rivers. They meander."}
    verdict = examined(
        Scripted([("holds", 1), ("holds", 2)]), found=evidence(search=search), controls=False
    )
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "prior-art")
    assert "doi:" in verdict.explanation
    assert literature_of("") is None
    with pytest.raises(ConfigurationError, match="mine"):
        literature_of("another")


def test_a_search_that_fails_is_told_and_stops_nothing() -> None:
    verdict = examined(Scripted([("holds", 0)]), found=evidence(search=away))
    assert verdict.decision is Decision.PROMOTED
    assert verdict.examination is not None
    assert "library is closed" in verdict.examination.missing[0]


def test_what_needs_a_clearance_does_not_leave_the_lab() -> None:
    proposed = hypothesis()
    secret = proposed.pair.model_copy(
        update={"second": proposed.pair.second.model_copy(update={"clearance": "secret"})}
    )
    found = evidence(known(11, "open"), search=found_in_print, clearance="secret")
    assert shown(found, proposed.model_copy(update={"pair": secret})) == {"open"}


@dataclass
class Jury:
    """Judges that give this score whoever asks."""

    score: int = 8

    async def hear(self, *_: Any) -> Any:
        scores = Scores(novelty=self.score, coherence=self.score, usefulness=self.score)
        return Evaluation(
            [Judgement(judge="j", model="m", justification="good", scores=scores)]
        ), Aggregation(rule="score")


class Bucket:
    """Keeps what is created, once."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, key: str) -> Any:
        if key not in self.kept:
            raise KeyNotFoundError
        return SimpleNamespace(value=self.kept[key], revision=1)

    async def create(self, key: str, value: bytes) -> int:
        assert key not in self.kept
        self.kept[key] = value
        return 1


def outcome(
    jury: Jury, proposed: HypothesisProposed, bucket: Bucket, nearest: NearestMatch | None = None
) -> VerdictReached | CandidateNominated:
    async def memory(_: Any, __: Any) -> NearestMatches:
        return NearestMatches(
            own_facts=(), nearest=nearest, unrelated_median=0.1, embedding_model="m"
        )

    return asyncio.run(Critic(jury, memory, CriticSettings(), bucket).judge(proposed))  # type: ignore[arg-type]


def paid_for() -> HypothesisProposed:
    proposed = hypothesis()
    return proposed.model_copy(
        update={
            "pair": proposed.pair.model_copy(update={"stages": ("synthesizer", "critic", "oracle")})
        }
    )


def test_the_critic_sends_to_the_oracle_what_it_would_promote_where_the_reservation_pays_for_it() -> (
    None
):
    proposed, paid = hypothesis(), paid_for()
    direct, nominated = outcome(Jury(), proposed, Bucket()), outcome(Jury(), paid, Bucket())
    assert isinstance(direct, VerdictReached)
    assert (direct.decision, direct.final) == (Decision.PROMOTED, True)
    assert isinstance(nominated, CandidateNominated)
    assert (nominated.verdict.decision, nominated.verdict.final) == (Decision.DEFERRED, False)
    as_if = {"decision": Decision.PROMOTED, "final": True, "hypothesis": proposed, "reached_at": AT}
    assert nominated.verdict.model_copy(update=as_if) == direct.model_copy(
        update={"reached_at": AT}
    )
    assert nominated.payer == paid.payer
    dull = outcome(Jury(3), paid, Bucket())
    assert isinstance(dull, VerdictReached)
    assert (dull.decision, dull.final) == (Decision.DISCARDED, True)


@pytest.mark.parametrize(("before", "after"), [(8, 3), (3, 8)])
def test_a_second_delivery_comes_to_the_first_decision_wherever_the_line_is_by_then(
    before: int, after: int
) -> None:
    """Else a hypothesis could get a verdict from the critic and another one from the oracle."""
    bucket = Bucket()
    first, again = (
        outcome(Jury(before), paid_for(), bucket),
        outcome(Jury(after), paid_for(), bucket),
    )
    assert type(first) is type(again)
    said = [one.verdict if isinstance(one, CandidateNominated) else one for one in (first, again)]
    assert said[0].explanation == said[1].explanation
    assert said[0].decision == said[1].decision


@pytest.mark.parametrize("known_first", [True, False])
def test_what_becomes_known_between_two_deliveries_changes_nothing(known_first: bool) -> None:
    bucket, twin = (
        Bucket(),
        NearestMatch(what="hypothesis", id="twin", text="the same", similarity=1.0),
    )
    first = outcome(Jury(), paid_for(), bucket, twin if known_first else None)
    again = outcome(Jury(), paid_for(), bucket, None if known_first else twin)
    assert [isinstance(one, CandidateNominated) for one in (first, again)] == [not known_first] * 2
    if isinstance(again, VerdictReached):
        assert (again.decision, again.judgements) == (Decision.DUPLICATE, ())
