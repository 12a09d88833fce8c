"""A person's word through the console."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from daydream_console.reviews import reviews
from daydream_contracts.errors import RetryLaterError
from daydream_contracts.events import Decision, Message, ReviewRecorded, VerdictReached
from daydream_contracts.rpc import ListVerdicts, VerdictPage
from support.samples import AT, SYNTHESIS, hypothesis

WORD = {"verdict_id": "v", "accepted": True, "who": "Ada", "note": "seen it in the lab"}


class Memory:
    """Knows one verdict, and keeps what was published."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.away = False
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

    async def __call__(self, _: Any, question: ListVerdicts, **__: Any) -> VerdictPage:
        if self.away:
            raise RetryLaterError("the memory does not answer")
        found = (self.verdict,) if question.verdict_ids == ("v",) else ()
        return VerdictPage(verdicts=found, total=len(found))

    async def publish(self, message: Message) -> None:
        self.published.append(message)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def client(memory: Memory, token: str = "right") -> TestClient:
    page = TestClient(
        Starlette(
            routes=[Route("/api/reviews", reviews(memory, memory.publish, token), methods=["POST"])]
        )
    )  # type: ignore[arg-type]
    page.headers["authorization"] = "Bearer right"
    return page


def test_a_word_is_published_with_who_said_it_and_why(memory: Memory) -> None:
    answer = client(memory).post("/api/reviews", json=WORD)
    assert answer.status_code == 202
    (said,) = memory.published
    assert type(said) is ReviewRecorded
    assert ReviewRecorded.model_validate(answer.json()) == said
    assert (said.verdict_id, said.accepted, said.who, said.note) == (
        "v",
        True,
        "Ada",
        "seen it in the lab",
    )


@pytest.mark.parametrize(
    ("body", "status", "about"),
    [
        ({**WORD, "who": ""}, 400, "who"),
        ({"verdict_id": "v", "who": "Ada"}, 400, "accepted"),
        ({**WORD, "verdict_id": "nobody's"}, 404, "nobody's"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_published(
    memory: Memory, body: dict[str, Any], status: int, about: str
) -> None:
    answer = client(memory).post("/api/reviews", json=body)
    assert answer.status_code == status
    assert about in answer.json()["error"]
    assert memory.published == []


def test_an_abstention_can_not_be_accepted(memory: Memory) -> None:
    memory.verdict = memory.verdict.model_copy(update={"hypothesis": hypothesis(0, None)})
    assert client(memory).post("/api/reviews", json=WORD).status_code == 409
    memory.verdict = memory.verdict.model_copy(update={"hypothesis": hypothesis(0, SYNTHESIS)})
    assert client(memory).post("/api/reviews", json=WORD).status_code == 202


def test_without_the_token_nobody_has_a_word(memory: Memory) -> None:
    assert client(memory, token="").post("/api/reviews", json=WORD).status_code == 403
    assert client(memory, token="other").post("/api/reviews", json=WORD).status_code == 401
    assert memory.published == []


def test_a_memory_that_is_away_is_said_and_a_word_that_could_not_be_kept(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.away = True
    assert client(memory).post("/api/reviews", json=WORD).status_code == 503
    memory.away = False

    async def lost(_: Message) -> None:
        raise TimeoutError

    monkeypatch.setattr(memory, "publish", lost)
    answer = client(memory).post("/api/reviews", json=WORD)
    assert (answer.status_code, "send it again" in answer.json()["error"]) == (503, True)
