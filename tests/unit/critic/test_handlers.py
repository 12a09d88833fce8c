"""The critic's and the oracle's real applications in memory: consumers, endpoint and bad messages.

Gates, judges and the oracle's steps are real; their models follow a script.
"""

from __future__ import annotations

from typing import Any

import pytest
from faststream.nats import TestNatsBroker
from prometheus_client import generate_latest
from pydantic import ValidationError

from daydream_contracts.events import (
    CandidateNominated,
    Decision,
    HypothesisProposed,
    Message,
    VerdictReached,
)
from daydream_contracts.rpc import CriticState, EmptyRequest
from daydream_contracts.topology import CRITIC_STATE, MessageRoute, route_of
from daydream_critic.app import build
from daydream_critic.history.calibrated_history import CalibratedHistory
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.report import CriticReport
from daydream_critic.metrics import VerdictMetrics
from daydream_critic.oracle.app import build as build_oracle
from daydream_critic.oracle.settings import OracleSettings
from daydream_critic.settings import CriticSettings
from daydream_runtime.application import ServiceApp
from daydream_runtime.rpc import FAILURE_HEADER, REASON_HEADER
from support.critic import FakeJudgeModel, make_critic, model_judge, with_pair
from support.message_builders import hypothesis
from support.oracle import FakeOracleModel, candidate, make_oracle

HYPOTHESES, CANDIDATES = route_of(HypothesisProposed), route_of(CandidateNominated)
INVALID = {"hypothesis_id": "without the rest"}


@pytest.fixture
def critic_app() -> ServiceApp:
    """One judge, whose mean score of 9 nominates a hypothesis that the oracle will examine."""
    settings = CriticSettings(concurrency=1, promote_by="score")
    app = build(settings)
    judge, history = model_judge(FakeJudgeModel([9])), CriticHistory()
    critic = make_critic([judge], history, promote_by="score", compare_max=0)
    report = CriticReport(lambda: CalibratedHistory(history, {}), [judge], settings)
    app.context.set_global("critic", critic)
    app.context.set_global("report", report)
    app.context.set_global("metrics", VerdictMetrics(app.telemetry))
    return app


@pytest.fixture
def oracle_app() -> ServiceApp:
    """An oracle whose first attempt to refute a hypothesis fails."""
    app = build_oracle(OracleSettings(concurrency=1))
    app.context.set_global("oracle", make_oracle(FakeOracleModel([("holds", 0)])))
    app.context.set_global("metrics", VerdictMetrics(app.telemetry))
    return app


async def published_after(
    app: ServiceApp, message: Message | dict[str, str], route: MessageRoute
) -> list[Message]:
    """Return what the application publishes after a message."""
    async with TestNatsBroker(app.nats) as broker:
        await broker.publish(message, route.subject, stream=route.stream)
        return [
            event_of(call.args[0])
            for publisher in broker.publishers
            for call in publisher.mock.call_args_list
        ]


def event_of(body: dict[str, Any]) -> Message:
    """Return the event that the critic or the oracle has published as this body."""
    event = CandidateNominated if "verdict" in body else VerdictReached
    return event.model_validate(body)


def counted(app: ServiceApp) -> str:
    """Return the counter of decisions as it is exposed."""
    exposed = generate_latest(app.telemetry.registry).decode()
    return "".join(row for row in exposed.splitlines() if row.startswith("daydream_decisions"))


async def test_a_hypothesis_becomes_a_verdict_that_is_counted(critic_app: ServiceApp) -> None:
    (event,) = await published_after(critic_app, hypothesis(), HYPOTHESES)
    assert isinstance(event, VerdictReached)
    assert (event.decision, event.reason) == (Decision.PROMOTED, "score")
    assert event.hypothesis == hypothesis()
    assert 'daydream_decision="promoted"' in counted(critic_app)


async def test_a_hypothesis_whose_pair_pays_for_the_oracle_is_nominated(
    critic_app: ServiceApp,
) -> None:
    pays = with_pair(hypothesis(), stages=("synthesizer", "critic", "oracle"))
    (event,) = await published_after(critic_app, pays, HYPOTHESES)
    assert isinstance(event, CandidateNominated)
    assert (event.verdict.decision, event.verdict.final) == (Decision.DEFERRED, False)
    assert 'daydream_decision="deferred"' in counted(critic_app)


async def test_the_critic_reports_its_judges(critic_app: ServiceApp) -> None:
    async with TestNatsBroker(critic_app.nats) as broker:
        reply = await broker.request(EmptyRequest(), CRITIC_STATE.subject)
    state = CriticState.model_validate_json(reply.body)
    assert [judge.name for judge in state.judges] == ["judge.v1@gpt-4.1"]
    assert state.rule == "score"


async def test_a_candidate_that_is_not_refuted_becomes_a_promoted_verdict(
    oracle_app: ServiceApp,
) -> None:
    nominated = CandidateNominated(verdict=candidate())
    (event,) = await published_after(oracle_app, nominated, CANDIDATES)
    assert isinstance(event, VerdictReached)
    assert (event.decision, event.role, event.final) == (Decision.PROMOTED, "oracle", True)
    assert 'daydream_decision="promoted"' in counted(oracle_app)


@pytest.mark.parametrize(
    ("fixture", "route"), [("critic_app", HYPOTHESES), ("oracle_app", CANDIDATES)]
)
async def test_an_invalid_message_is_a_validation_error_and_has_no_outcome(
    fixture: str, route: MessageRoute, request: pytest.FixtureRequest
) -> None:
    app: ServiceApp = request.getfixturevalue(fixture)
    with pytest.raises(ValidationError, match=route.message.__name__):
        await published_after(app, INVALID, route)
    assert counted(app) == ""


async def test_a_request_that_is_no_object_is_answered_with_a_failure(
    critic_app: ServiceApp,
) -> None:
    async with TestNatsBroker(critic_app.nats) as broker:
        reply = await broker.request(["no", "object"], CRITIC_STATE.subject)
    assert reply.headers[FAILURE_HEADER] == "permanent"
    assert REASON_HEADER in reply.headers


def test_a_critic_that_is_off_takes_no_hypotheses() -> None:
    subscribers: list[Any] = build(CriticSettings(enabled=False)).nats.subscribers
    subjects = [subscriber.subject.template for subscriber in subscribers]
    assert subjects == [CRITIC_STATE.subject]
