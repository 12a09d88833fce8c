"""Builders and fakes for tests of the oracle."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from daydream_contracts.access import Clearances
from daydream_contracts.events import (
    Aggregation,
    Decision,
    HypothesisProposed,
    ModelCall,
    PromptRef,
    VerdictReached,
    verdict_id_of,
)
from daydream_contracts.rpc import SearchHit, SearchResults
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.literature import Literature
from daydream_critic.oracle.oracle import Oracle
from daydream_critic.oracle.requests import control_request, refute_requests
from daydream_critic.oracle.settings import OracleSettings
from daydream_critic.oracle.single_fact import AloneAnswer
from daydream_models.client import ModelClient
from daydream_models.model_request import ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpecs
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import StageCost, StagePlan
from daydream_runtime.rpc import RpcClient
from support.message_builders import AT, fact, hypothesis

# The verdict and the number of the statement that says the same. None is an unreadable answer.
RefutationScript = tuple[str, int] | None


@dataclass
class FakeOracleModel:
    """A model that gives these answers to refutations, and `suggestions` to every control."""

    answers: list[RefutationScript]
    suggestions: Sequence[str] = ("Ice floats.",)
    name: str = "gpt-5"
    requests: list[ModelRequest] = field(default_factory=list)

    @property
    def settings(self) -> ModelSettings:
        return ModelSettings(name=self.name)

    @property
    def prompts(self) -> list[str]:
        return [request.prompt.name for request in self.requests]

    @property
    def client(self) -> ModelClient:
        return cast(ModelClient, self)

    async def request(self, request: ModelRequest, answer: type[Any]) -> ModelReply[Any]:
        self.requests.append(request)
        call = ModelCall(
            call_id=request.key,
            model=self.name,
            prompt=PromptRef(name=request.prompt.name, digest="d"),
            input_tokens=1,
            output_tokens=1,
            cost_nanousd=10,
        )
        if answer is AloneAnswer:
            suggested = answer(hypotheses=list(self.suggestions)) if self.suggestions else None
            return ModelReply(suggested, "", (call,))
        script = self.answers.pop(0)
        if script is None:
            return ModelReply(None, "no JSON", (call,))
        verdict, same_as = script
        refutation = answer(case="It may be chance.", verdict=verdict, same_as=same_as)
        return ModelReply(refutation, "no JSON", (call,))

    def plan(self, requests: RequestSpecs) -> StagePlan:
        """A full request costs 1000 and 3 per byte, a smaller one 100 and 1 per byte."""
        small = StageCost(fixed_nanousd=100, nanousd_per_fact_byte=1)
        return StagePlan(
            stage="oracle",
            model=self.name,
            fixed_nanousd=1000,
            nanousd_per_fact_byte=3,
            reduced={size: small for size in requests if size != "full"},
        )


@dataclass
class FakeSearch:
    """The memory service's search: it always finds these hits."""

    hits: tuple[SearchHit, ...]

    async def __call__(self, endpoint: Any, message: Any) -> SearchResults:
        return await self.request(endpoint, message)

    async def request(self, _: Any, __: Any) -> SearchResults:
        return SearchResults(hits=self.hits)


def search_hit(number: int, text: str, **changes: Any) -> SearchHit:
    return SearchHit(fact=fact(number, text).model_copy(update=changes), similarity=0.5)


def retriever(
    *hits: SearchHit, clearance: str = "", literature: Literature | None = None
) -> EvidenceRetriever:
    client = cast(RpcClient, FakeSearch(hits))
    clearances = Clearances(("internal", "secret"))
    return EvidenceRetriever(client, clearances, clearance, 6, literature, 3)


def candidate(proposed: HypothesisProposed | None = None) -> VerdictReached:
    """Return the judges' deferred verdict on a hypothesis, which cost 500 nano-dollars so far."""
    judged = proposed or hypothesis()
    return VerdictReached(
        verdict_id=verdict_id_of(judged.hypothesis_id, "critic", 1),
        hypothesis=judged,
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


def make_oracle(
    model: FakeOracleModel, evidence: EvidenceRetriever | None = None, **settings: Any
) -> Oracle:
    chosen = OracleSettings(**settings)
    return Oracle(
        model.client,
        refute_requests(chosen),
        control_request(chosen),
        evidence or retriever(),
        chosen.attempts,
        controls=chosen.controls,
    )


def examine(
    model: FakeOracleModel,
    deferred: VerdictReached | None = None,
    evidence: EvidenceRetriever | None = None,
    **settings: Any,
) -> VerdictReached:
    oracle = make_oracle(model, evidence, **settings)
    return asyncio.run(oracle.examine(deferred or candidate()))
