"""The HTTP API over fake services."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from daydream_console.readable_errors import readable
from daydream_console.web.security import BODY_BYTES_MAX
from daydream_contracts.events import (
    CommandReceived,
    Decision,
    ForegroundReported,
    HypothesisProposed,
    OutcomeRecorded,
    ReviewEffect,
    ReviewRecorded,
    VerdictReached,
)
from daydream_contracts.rpc import (
    BudgetChanged,
    BudgetState,
    MapPoint,
    MemoryMap,
    RankedVerdict,
    RankedVerdicts,
    RankVerdicts,
    Refusal,
    Resolved,
)
from daydream_contracts.topology import BUDGET_CHANGE, MEMORY_MAP, MEMORY_RANKING, MEMORY_RESOLVE
from support.console import ConsoleFixture
from support.insights import insight_fact, promotion, verdict
from support.loop_states import example, loop_state

FIRST = verdict(0, title="first", score=9.0)
SECOND = verdict(1, title="second", score=5.0)


def ranking(*order: VerdictReached) -> Callable[[RankVerdicts], RankedVerdicts]:
    """Return a memory that ranks the verdicts of a request in this order."""
    places = {each.verdict_id: place for place, each in enumerate(order)}

    def answer(request: RankVerdicts) -> RankedVerdicts:
        named = sorted(request.verdict_ids, key=lambda name: places[name])[: request.limit]
        return RankedVerdicts(
            verdicts=tuple(
                RankedVerdict(verdict_id=name, similarity=1 - places[name] / 10) for name in named
            )
        )

    return answer


@pytest.fixture
def console() -> ConsoleFixture:
    console = ConsoleFixture()
    console.add(FIRST, SECOND)
    return console


def test_insights_are_listed_by_pages_with_a_cursor(console: ConsoleFixture) -> None:
    client = console.client()
    page = client.get("/api/v1/insights", params={"limit": 1}).json()
    assert ([each["title"] for each in page["insights"]], page["total"]) == (["first"], 2)
    rest = client.get("/api/v1/insights", params={"limit": 1, "cursor": page["next_cursor"]})
    assert [each["title"] for each in rest.json()["insights"]] == ["second"]
    assert rest.json()["next_cursor"] == ""


def test_an_unchanged_answer_is_not_sent_again(console: ConsoleFixture) -> None:
    client = console.client()
    first = client.get("/api/v1/insights")
    again = client.get("/api/v1/insights", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    console.add(verdict(2))
    changed = client.get("/api/v1/insights", headers={"if-none-match": first.headers["etag"]})
    assert changed.status_code == 200


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/api/v1/insights?limit=0", "limit"),
        ("/api/v1/insights?limit=99999999999999999999999", "limit"),
        ("/api/v1/insights?min_score=nan", "min_score"),
        ("/api/v1/insights?since=yesterday", "since"),
        ("/api/v1/insights?words=" + "x" * 501, "words"),
        ("/api/v1/search?text=" + "x" * 501, "text"),
        ("/api/v1/documents?cursor=99999999999999999999999", "cursor"),
        ("/api/v1/dead-letters/0", "number"),
        ("/api/v1/dead-letters/99999999999999999999999", "number"),
    ],
)
def test_an_invalid_parameter_is_named(console: ConsoleFixture, path: str, field: str) -> None:
    answer = console.client().get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert answer.json()["field"] == field
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/api/v1/insights?strategy=uniform", "strategies"),
        ("/api/v1/budget/entries?kinds=x", "kind"),
        ("/api/v1/tables/judges?fromat=csv", "format"),
        ("/api/v1/budget?x=1", "there are none here"),
    ],
)
def test_an_unknown_parameter_is_refused_with_the_known_ones(
    console: ConsoleFixture, path: str, known: str
) -> None:
    answer = console.client().get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown-parameter")
    assert known in answer.json()["fix"]
    assert answer.json()["field"] in path


def test_the_map_shows_pairs_whose_facts_it_knows(console: ConsoleFixture) -> None:
    first, second = FIRST.hypothesis.pair.first, FIRST.hypothesis.pair.second
    points = tuple(
        MapPoint(fact_id=fact.fact_id, x=place, y=-place, kind=fact.kind)
        for place, fact in enumerate((first, second))
    )
    console.rpc.answers[MEMORY_MAP.subject] = MemoryMap(sample=points, named=points, facts=2)
    console.index.add_promotion(promotion(FIRST))
    answer = console.client().get("/api/v1/memory/map").json()
    assert {pair["verdict_id"] for pair in answer["pairs"]} >= {FIRST.verdict_id}
    page = console.client().get("/documents/map").text
    assert f'<a href="/insights/{FIRST.verdict_id}" aria-label="first">' in page
    console.rpc.answers[MEMORY_MAP.subject] = MemoryMap(sample=points, named=(), facts=2)
    assert console.client().get("/api/v1/memory/map?pairs=0").json()["pairs"] == []


def test_an_invalid_cursor_is_400(console: ConsoleFixture) -> None:
    answer = console.client().get("/api/v1/insights?cursor=zzz")
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-cursor")


def test_one_insight_in_full_is_found_by_each_of_its_ids(console: ConsoleFixture) -> None:
    client = console.client()
    for name in (
        FIRST.verdict_id,
        FIRST.hypothesis.hypothesis_id,
        insight_fact(FIRST).fact_id,
    ):
        answer = client.get(f"/api/v1/insights/{name}")
        assert answer.json()["verdict"]["verdict_id"] == FIRST.verdict_id
    unknown = client.get("/api/v1/insights/nothing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "unknown-insight")


def test_a_search_by_meaning_keeps_the_order_of_similarity(console: ConsoleFixture) -> None:
    console.rpc.answers[MEMORY_RANKING.subject] = ranking(SECOND, FIRST)
    client = console.client()
    page = client.get("/api/v1/insights/similar?text=rivers&limit=1").json()
    assert ([each["title"] for each in page["insights"]], page["total"]) == (["second"], 2)
    rest = client.get(
        "/api/v1/insights/similar",
        params={"text": "rivers", "limit": 1, "cursor": page["next_cursor"]},
    ).json()
    assert ([each["title"] for each in rest["insights"]], rest["next_cursor"]) == (["first"], "")
    wrong = client.get("/api/v1/insights/similar?text=rivers&cursor=zzz")
    assert (wrong.status_code, wrong.json()["code"]) == (400, "invalid-cursor")


def test_only_what_the_filters_match_is_ranked_however_many_there_are(
    console: ConsoleFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # parts of two in place of ten thousand
    monkeypatch.setattr("daydream_console.insights.similar.RANKED_MAX", 2)
    others = [verdict(number, strategy="importance") for number in range(2, 7)]
    console.add(*others)
    console.rpc.answers[MEMORY_RANKING.subject] = ranking(*others[::-1])
    path = "/api/v1/insights/similar?text=rivers&strategies=importance&limit=3"
    page = console.client().get(path).json()
    assert [each["verdict_id"] for each in page["insights"]] == [
        each.verdict_id for each in others[::-1][:3]
    ]
    asked = [request.verdict_ids for request in console.rpc.asked]
    assert [len(part) for part in asked] == [2, 2, 1]
    assert FIRST.verdict_id not in {name for part in asked for name in part}


def test_the_table_is_downloaded_as_csv_without_formulas(console: ConsoleFixture) -> None:
    console.add(verdict(2, title="=cmd()", score=1.0))
    answer = console.client().get("/api/v1/insights/download?format=csv&sort=score")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["title"] for row in rows] == ["first", "second", "'=cmd()"]
    assert rows[0]["first.text"] == FIRST.hypothesis.pair.first.text
    assert "attachment" in answer.headers["content-disposition"]
    whole = console.client().get("/api/v1/insights/download?format=json").json()
    assert whole["total"] == 3


def test_a_review_is_published_with_the_person_and_recorded(console: ConsoleFixture) -> None:
    body = {"accepted": True, "note": "seen it in the lab"}
    client = console.client(**{"daydream-who": "Ada"})
    answer = client.post(f"/api/v1/insights/{FIRST.verdict_id}/reviews", json=body)
    assert answer.status_code == 200
    (review,) = console.events_published
    assert isinstance(review, ReviewRecorded)
    assert (review.verdict_id, review.accepted, review.who, review.note) == (
        FIRST.verdict_id,
        True,
        "Ada",
        "seen it in the lab",
    )
    command = console.published[0]
    assert isinstance(command, CommandReceived), "it is recorded before it is carried out"
    assert (command.who, command.via) == ("Ada", "loopback")


def test_an_undo_restores_the_review_before_and_then_none(console: ConsoleFixture) -> None:
    client = console.client(**{"daydream-who": "Ada"})
    path = f"/api/v1/insights/{FIRST.verdict_id}/reviews"

    def send(where: str, **body: object) -> ReviewRecorded:
        answer = client.post(where, json=body)
        assert answer.status_code == 200, answer.text
        review = console.events_published[-1]
        assert isinstance(review, ReviewRecorded)
        console.index.add_review(review)
        return review

    accepted = send(path, accepted=True)
    rejected = send(path, accepted=False)
    stale = client.post(f"{path}/undo", json={"review_id": accepted.message_id})
    assert (stale.status_code, stale.json()["code"]) == (409, "not-the-last")
    first = send(f"{path}/undo", review_id=rejected.message_id)
    assert (first.accepted, first.undoes) == (True, rejected.message_id)
    second = send(f"{path}/undo")
    assert (second.accepted, second.undoes) == (None, accepted.message_id)
    assert (accepted.effect, second.effect) == (ReviewEffect.PROMOTED, ReviewEffect.WITHDRAWN)
    nothing = client.post(f"{path}/undo", json={})
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing-to-undo")
    commands = [each.command for each in console.published if isinstance(each, CommandReceived)]
    assert commands == [f"POST {path}"] * 2 + [f"POST {path}/undo"] * 2, "each is on record"


def test_an_outcome_is_published(console: ConsoleFixture) -> None:
    path = f"/api/v1/insights/{FIRST.verdict_id}/outcomes"
    body = {"result": "confirmed", "link": "https://example.org/x"}
    assert console.client().post(path, json=body).status_code == 200
    (outcome,) = console.events_published
    assert isinstance(outcome, OutcomeRecorded)
    refused = console.client().post(path, json={**body, "link": "javascript:alert(1)"})
    assert (refused.status_code, refused.json()["field"]) == (400, "link")


def test_an_abstention_can_not_be_reviewed(console: ConsoleFixture) -> None:
    silent = verdict(5, decision=Decision.ABSTAINED)
    hypothesis = silent.hypothesis.model_copy(update={"synthesis": None, "abstention": "no link"})
    console.add(silent.model_copy(update={"hypothesis": hypothesis}))
    path = f"/api/v1/insights/{silent.verdict_id}/reviews"
    answer = console.client().post(path, json={"accepted": True})
    assert (answer.status_code, answer.json()["code"]) == (409, "no-hypothesis")
    assert console.published == []


def test_a_retraction_shows_its_descendants_first(console: ConsoleFixture) -> None:
    child = verdict(3, title="child", first=insight_fact(FIRST))
    console.index.add_promotion(promotion(FIRST))
    console.index.add_promotion(promotion(child))
    known = (
        example(Resolved)
        .facts[0]
        .model_copy(update={"fact": insight_fact(FIRST), "descendants": 1})
    )
    console.rpc.answers[MEMORY_RESOLVE.subject] = Resolved(facts=(known,))
    answer = console.client().get(f"/api/v1/facts/{insight_fact(FIRST).fact_id}/retraction").json()
    assert ([node["title"] for node in answer["descendants"]], answer["total"]) == (["child"], 1)
    console.rpc.answers[MEMORY_RESOLVE.subject] = Resolved(facts=())
    assert console.client().get("/api/v1/facts/nothing/retraction").status_code == 404


def test_a_refused_change_of_the_budget_is_409_with_its_reason(console: ConsoleFixture) -> None:
    body = {"change": {"kind": "top-up", "window": "day", "by_nanousd": 5}, "why": "pilot"}
    console.rpc.answers[BUDGET_CHANGE.subject] = BudgetChanged(state=example(BudgetState))
    answer = console.client().post("/api/v1/budget/changes", json=body)
    assert answer.json()["last_sequence"] == 12
    console.rpc.answers[BUDGET_CHANGE.subject] = BudgetChanged(
        state=example(BudgetState), refusal=Refusal(reason="unknown-limit", text="Unknown limit")
    )
    refused = console.client().post("/api/v1/budget/changes", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "unknown-limit")


def test_a_usage_record_is_published_with_its_cost(console: ConsoleFixture) -> None:
    record = {"id": "call-1", "cost_usd": "0.0000000015", "usage": {"prompt_tokens": 3}}
    answer = console.client().post("/api/v1/foreground", json=record)
    assert (answer.status_code, answer.json()) == (202, {"accepted": "call-1"})
    (report,) = console.events_published
    assert isinstance(report, ForegroundReported)
    assert (report.cost_nanousd, report.input_tokens) == (2, 3)
    priceless = console.client().post("/api/v1/foreground", json={"id": "call-2"})
    assert (priceless.status_code, priceless.json()["field"]) == (400, "model")


def test_a_lock_belongs_to_the_first_who_asks(console: ConsoleFixture) -> None:
    path = f"/api/v1/insights/{FIRST.verdict_id}/lock"
    ada, bob = (console.client(**{"daydream-who": name}) for name in ("Ada", "Bob"))
    assert ada.put(path).json() == {"who": "Ada", "mine": True}
    assert bob.put(path).json() == {"who": "Ada", "mine": False}
    assert bob.delete(path).json()["mine"] is False
    assert ada.delete(path).json()["mine"] is True
    assert bob.put(path).json() == {"who": "Bob", "mine": True}


def test_a_silent_service_and_a_failed_publish_give_503(console: ConsoleFixture) -> None:
    console.rpc.silent.add("*")
    answer = console.client().get("/api/v1/budget")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    console.publish_error = TimeoutError()
    path = f"/api/v1/insights/{FIRST.verdict_id}/reviews"
    answer = console.client().post(path, json={"accepted": True})
    assert (answer.status_code, answer.json()["code"]) == (503, "nats-unavailable")


def test_the_diagnosis_is_part_of_the_api(console: ConsoleFixture) -> None:
    console.state = loop_state(memory=None)
    answer = console.client().get("/api/v1/diagnosis").json()
    assert (answer["cause"], answer["severity"]) == ("memory-away", "problem")


async def test_a_large_body_is_refused_while_it_is_read(console: ConsoleFixture) -> None:
    chunks, answers = list[bytes](), list[Any]()

    async def receive() -> Any:
        chunks.append(b"x" * (BODY_BYTES_MAX // 10))
        return {"type": "http.request", "body": chunks[-1], "more_body": True}

    async def send(message: Any) -> None:
        answers.append(message)

    headers = [(b"content-type", b"application/json"), (b"host", b"localhost")]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/v1/foreground",
        "query_string": b"",
        "headers": headers,
    }
    await console.app(scope, receive, send)
    assert answers[0]["status"] == 413
    assert sum(map(len, chunks)) <= BODY_BYTES_MAX + len(chunks[0]), "nothing is read after it"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_that_a_form_could_send_is_refused(
    console: ConsoleFixture, content_type: str
) -> None:
    path = f"/api/v1/insights/{FIRST.verdict_id}/reviews"
    answer = console.client().post(
        path, content=b'{"accepted": true}', headers={"content-type": content_type}
    )
    assert answer.status_code in {400, 415}
    assert console.published == []


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"version": 2}', "6 invalid fields: version: Input should be 1; hypothesis_id: Field"),
        (b"{", "Invalid JSON: EOF while parsing an object at line 1 column 1."),
    ],
)
def test_the_error_of_an_invalid_message_names_its_fields(body: bytes, text: str) -> None:
    with pytest.raises(ValidationError) as invalid:
        HypothesisProposed.model_validate_json(body)
    stored = f"ValidationError: {' '.join(str(invalid.value).split())}"
    assert readable(stored).startswith(text)
    for length in range(120, len(stored)):  # a long one is stored in part
        part = readable(stored[:length])
        assert part.startswith(text[:20])
        assert not re.search(r"type=|further|For:", part), part


def test_any_other_error_stays_as_it_is() -> None:
    assert readable("TimeoutError:  no\nanswer") == "TimeoutError: no answer"
