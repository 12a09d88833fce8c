"""Builders and fakes for tests of the critic. Judges are real; their models follow a script."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from daydream_contracts.events import (
    CandidateNominated,
    HypothesisProposed,
    ModelCall,
    NearestMatch,
    PromptRef,
    VerdictReached,
)
from daydream_contracts.rpc import NearestMatches, VerdictPage
from daydream_contracts.topology import MEMORY_VERDICTS
from daydream_critic.calibration.records import CanaryScore, JudgeCalibration
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.records import CanaryResult, JudgeStats
from daydream_critic.pipeline.comparison import (
    CompareAnswer,
    PairwiseComparer,
    compare_request,
)
from daydream_critic.pipeline.critic import Critic
from daydream_critic.pipeline.decision import PromotionRule
from daydream_critic.pipeline.decision_log import DecisionLog
from daydream_critic.pipeline.gates.registry import open_gates
from daydream_critic.pipeline.judge_panel import JudgePanel
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.interface import Judge
from daydream_critic.pipeline.judges.model_judge import ModelJudge
from daydream_critic.pipeline.judges.registry import judge_spec
from daydream_critic.pipeline.memory_lookup import MemoryLookup
from daydream_critic.settings import CriticSettings
from daydream_models.client import ModelClient
from daydream_models.model_request import Messages, ModelReply, ModelRequest
from daydream_models.request_spec import RequestSpec, RequestSpecs
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import StageCost, StagePlan
from daydream_runtime.rpc import RpcClient
from support.message_builders import hypothesis

FULL = "full"


def model_call(model: str, *, cost_nanousd: int, call_id: str = "call") -> ModelCall:
    return ModelCall(
        call_id=call_id,
        model=model,
        prompt=PromptRef(name="p", digest="d"),
        input_tokens=1,
        output_tokens=1,
        cost_nanousd=cost_nanousd,
    )


@dataclass
class FakeJudgeModel:
    """A model that gives these scores one after the other. None is an unreadable answer, or one
    that a content filter refused with the words of `filtered`.

    `better` answers a comparison from the user's message: "first" or "second".
    """

    scores: list[int | None]
    name: str = "gpt-4.1"
    cost_nanousd: int = 1000
    better: Callable[[str], str] = lambda _: "first"
    requests: list[ModelRequest] = field(default_factory=list)
    filtered: str = ""

    async def request(self, request: ModelRequest, answer: type[Any]) -> ModelReply[Any]:
        self.requests.append(request)
        if answer is CompareAnswer:
            better = self.better(request.messages[1]["content"])
            call = model_call(self.name, cost_nanousd=10)
            return ModelReply(answer(justification="because", better=better), "", (call,))
        score = self.scores.pop(0)
        call = model_call(
            self.name, cost_nanousd=self.cost_nanousd, call_id=str(len(self.requests))
        )
        if score is None and self.filtered:
            return ModelReply(None, self.filtered, (), filtered=self.filtered)
        if score is None:
            return ModelReply(None, "no scores here", (call,))
        scores = {"novelty": score, "coherence": score, "usefulness": score}
        return ModelReply(answer(justification="because", **scores), "", (call,))

    def usual_nanousd(self, spec: RequestSpec, messages: Messages) -> int:
        """A call costs about as much as its messages have bytes, at most 100 nano-dollars."""
        return min(100, sum(len(message["content"].encode()) for message in messages))

    def plan(self, requests: RequestSpecs) -> StagePlan:
        """Each call costs at most 100 nano-dollars."""
        cost = StageCost(fixed_nanousd=100, nanousd_per_fact_byte=0)
        reduced = {size: cost for size in requests if size != FULL}
        return StagePlan(stage="critic", model=self.name, reduced=reduced, **cost.model_dump())


@dataclass
class FakeNearestMemory:
    """The memory service: it knows these verdicts, and this nearest match."""

    verdicts: Sequence[VerdictReached] = ()
    nearest: NearestMatch | None = None

    async def __call__(self, endpoint: Any, message: Any) -> NearestMatches | VerdictPage:
        return await self.request(endpoint, message)

    async def request(self, endpoint: Any, message: Any) -> NearestMatches | VerdictPage:
        if endpoint is MEMORY_VERDICTS:
            wanted = [
                verdict for verdict in self.verdicts if verdict.verdict_id in message.verdict_ids
            ]
            return VerdictPage(verdicts=tuple(wanted), total=len(self.verdicts))
        return NearestMatches(
            own_facts=(), nearest=self.nearest, unrelated_median=0.1, embedding_model="m"
        )

    @property
    def client(self) -> RpcClient:
        return cast(RpcClient, self)


class FakeCreatedKeys:
    """A key-value bucket that stores what is created, once per key."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    async def get(self, key: str) -> Any:
        if key not in self.entries:
            raise KeyNotFoundError
        return SimpleNamespace(value=self.entries[key], revision=1)

    async def update(self, key: str, value: bytes, *, last: int) -> int:
        assert (key not in self.entries, last) == (True, 0)
        self.entries[key] = value
        return 1

    @property
    def bucket(self) -> KeyValue:
        return cast(KeyValue, self)


def model_judge(model: FakeJudgeModel, *, rubric: str = "essay", calls_max: int = 1) -> ModelJudge:
    config = JudgeConfig(model=ModelSettings(name=model.name), rubric=rubric, calls_max=calls_max)
    spec = judge_spec(CriticSettings(), config)
    client = cast(ModelClient, model)
    return ModelJudge(spec.name, spec.requests, spec.family, spec.calls_max, model=client)


def written_by(model: str) -> HypothesisProposed:
    """Return a hypothesis that this model wrote for 5 nano-dollars."""
    return hypothesis().model_copy(update={"calls": (model_call(model, cost_nanousd=5),)})


def with_pair(proposed: HypothesisProposed, **changes: Any) -> HypothesisProposed:
    """Return a copy whose pair is changed."""
    return proposed.model_copy(update={"pair": proposed.pair.model_copy(update=changes)})


def history_of(judges: Sequence[Judge], seed: int = 0, count: int = 200) -> CriticHistory:
    """Return a history in which the judges agree about many hypotheses, mostly on 6 and 7."""
    rng = np.random.default_rng(seed)
    history = CriticHistory()
    for _ in range(count):
        quality = rng.standard_normal()
        row = {
            judge.history_key(FULL): float(
                np.clip(round(6.5 + 0.8 * quality + 0.5 * rng.standard_normal()), 1, 10)
            )
            for judge in judges
        }
        for key, score in row.items():
            history.judges.setdefault(key, JudgeStats()).add(score, 1000)
        history.rows.append(row)
        history.final_log_odds.append(-3.0 + quality)
    return history


def canaries_for(judges: Sequence[Judge], seed: int = 0, count: int = 40) -> list[CanaryResult]:
    """Return bridges and decoys. The second judge tells them apart, the first hardly."""
    rng = np.random.default_rng(seed)
    canaries = []
    for index in range(count):
        bridge = index % 2 == 0
        scores = [float(round(6 + shift * bridge + rng.standard_normal())) for shift in (0.3, 3.0)]
        by_judge = {
            judge.history_key(FULL): [score] for judge, score in zip(judges, scores, strict=False)
        }
        canaries.append(CanaryResult(bridge=bridge, promoted=bridge, scores=by_judge))
    return canaries


def calibrations_of(
    judges: Sequence[Judge], bridges: Sequence[float], decoys: Sequence[float]
) -> dict[str, JudgeCalibration]:
    """Return calibrations in which each judge gave these scores to the canaries."""
    scores = [
        CanaryScore(canary=f"{kind}:{place}", score=score)
        for kind, kind_scores in (("bridge", bridges), ("decoy", decoys))
        for place, score in enumerate(kind_scores)
    ]
    return {
        key: JudgeCalibration(
            judge=judge.name, history_key=key, scores=tuple(scores), complete=True
        )
        for judge in judges
        for key in [judge.history_key(FULL)]
    }


def make_critic(
    judges: Sequence[Judge],
    history: CriticHistory,
    memory: FakeNearestMemory | None = None,
    bucket: FakeCreatedKeys | None = None,
    calibrations: Mapping[str, JudgeCalibration] | None = None,
    **settings: Any,
) -> Critic:
    """Return a critic with real steps over these judges."""
    chosen = CriticSettings(**settings)
    client = (memory or FakeNearestMemory()).client
    comparer = PairwiseComparer(compare_request(), client, chosen.compare_max, lambda: history)
    return Critic(
        gates=open_gates(chosen),
        log=DecisionLog(bucket.bucket if bucket else None),
        memory=MemoryLookup(client),
        panel=JudgePanel(judges, lambda: CalibratedHistory(history, calibrations or {}), chosen),
        comparer=comparer if chosen.compare_max else None,
        rule=PromotionRule(chosen),
    )


def judge_hypothesis(
    critic: Critic, proposed: HypothesisProposed
) -> VerdictReached | CandidateNominated:
    return asyncio.run(critic.judge(proposed))


def verdict_of(
    judges: Sequence[Judge],
    history: CriticHistory,
    proposed: HypothesisProposed,
    memory: FakeNearestMemory | None = None,
    calibrations: Mapping[str, JudgeCalibration] | None = None,
    **settings: Any,
) -> VerdictReached:
    """Return the critic's verdict. Fail if the hypothesis is nominated."""
    critic = make_critic(judges, history, memory, calibrations=calibrations, **settings)
    outcome = judge_hypothesis(critic, proposed)
    assert isinstance(outcome, VerdictReached)
    return outcome
