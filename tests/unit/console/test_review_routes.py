"""Review verdicts through the console."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import Decision, Message, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from support.console import console_client
from support.message_builders import AT, SYNTHESIS, hypothesis

REVIEW = {"verdict_id": "v", "accepted": True, "who": "Ada", "note": "seen it in the lab"}


class FakeMemory:
    """A memory with one verdict. `published` are the reviews that the console published."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.silent = False
        self.verdict = VerdictReached(
            verdict_id="v",
            hypothesis=hypothesis(),
            role="oracle",
            round=1,
            decision=Decision.REFUTED,
            reason="refuted",
            explanation="",
            final=True,
            cost_nanousd=1,
            reached_at=AT,
        )

    async def request(self, _: Any, query: ListVerdicts, **__: Any) -> VerdictPage:
        if self.silent:
            raise RetryLaterError("the memory does not answer")
        verdicts = (self.verdict,) if query.verdict_ids == ("v",) else ()
        return VerdictPage(verdicts=verdicts, total=len(verdicts))

    async def publish(self, message: Message) -> None:
        self.published.append(message)


@pytest.fixture
def memory() -> FakeMemory:
    return FakeMemory()


def client(memory: FakeMemory, token: str = "right") -> TestClient:
    return console_client(memory, memory.publish, token)


def test_a_review_is_published_with_who_and_why(memory: FakeMemory) -> None:
    answer = client(memory).post("/api/reviews", json=REVIEW)
    assert answer.status_code == 202
    (review,) = memory.published
    assert type(review) is ReviewRecorded
    assert ReviewRecorded.model_validate(answer.json()) == review
    assert (review.verdict_id, review.accepted, review.who, review.note) == (
        "v",
        True,
        "Ada",
        "seen it in the lab",
    )


@pytest.mark.parametrize(
    ("body", "status", "about"),
    [
        ({**REVIEW, "who": ""}, 400, "who"),
        ({"verdict_id": "v", "who": "Ada"}, 400, "accepted"),
        ({**REVIEW, "verdict_id": "unknown"}, 404, "unknown"),
    ],
)
def test_an_invalid_review_is_refused_and_not_published(
    memory: FakeMemory, body: dict[str, Any], status: int, about: str
) -> None:
    answer = client(memory).post("/api/reviews", json=body)
    assert answer.status_code == status
    assert about in answer.json()["error"]
    assert memory.published == []


def test_an_abstention_can_not_be_reviewed(memory: FakeMemory) -> None:
    memory.verdict = memory.verdict.model_copy(update={"hypothesis": hypothesis(0, None)})
    assert client(memory).post("/api/reviews", json=REVIEW).status_code == 409
    memory.verdict = memory.verdict.model_copy(update={"hypothesis": hypothesis(0, SYNTHESIS)})
    assert client(memory).post("/api/reviews", json=REVIEW).status_code == 202


def test_a_review_needs_the_token(memory: FakeMemory) -> None:
    assert client(memory, token="").post("/api/reviews", json=REVIEW).status_code == 403
    assert client(memory, token="other").post("/api/reviews", json=REVIEW).status_code == 401
    assert memory.published == []


def test_a_silent_memory_and_a_failed_publish_give_503(
    memory: FakeMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.silent = True
    assert client(memory).post("/api/reviews", json=REVIEW).status_code == 503
    memory.silent = False

    async def time_out(_: Message) -> None:
        raise TimeoutError

    monkeypatch.setattr(memory, "publish", time_out)
    answer = client(memory).post("/api/reviews", json=REVIEW)
    assert (answer.status_code, "Send it again" in answer.json()["error"]) == (503, True)
