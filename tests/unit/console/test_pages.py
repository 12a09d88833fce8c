"""Every page is served, whatever is away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from daydream_console.web.pages.overnight import visits
from daydream_contracts.rpc import CriticState
from daydream_contracts.topology import CRITIC_STATE
from support.console import EXAMPLES, ConsoleFixture
from support.insights import insight_fact, promotion, verdict
from support.loop_states import loop_state

FIRST = verdict(0, title="<script>alert(1)</script>", log_odds=1.0)
PAGES = (
    "/",
    "/?since=all",
    "/insights",
    "/insights?words=rivers&state=all&sort=date&reviewed=no&min_score=1",
    f"/insights/{FIRST.verdict_id}",
    f"/insights/{insight_fact(FIRST).fact_id}",
    f"/insights/{FIRST.verdict_id}/graph",
    f"/insights/{FIRST.verdict_id}/retract",
    "/review",
    f"/review?at={FIRST.verdict_id}",
    "/live",
    "/budget",
    "/budget/entries?stage=critic",
    "/sampler",
    "/judges",
    "/dead-letters",
    "/settings",
    "/fragments/diagnosis",
)


@pytest.fixture
def console() -> ConsoleFixture:
    console = ConsoleFixture()
    console.add(FIRST)
    console.index.add_promotion(promotion(FIRST))
    return console


@pytest.mark.parametrize("path", [*PAGES, "/documents", "/documents?text=rivers&show=all"])
def test_a_page_is_served_and_escapes_what_models_wrote(console: ConsoleFixture, path: str) -> None:
    answer = console.client(accept="text/html").get(path)
    assert answer.status_code == 200, answer.text
    assert "<script>alert" not in answer.text
    assert "style=" not in answer.text, "the content security policy allows no inline style"
    assert "onclick" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_served_while_every_service_is_away(console: ConsoleFixture, path: str) -> None:
    console.rpc.silent.add("*")
    console.state = loop_state(
        memory=None, sampler=None, budget=None, gateway=None, connected=False
    )
    answer = console.client(accept="text/html").get(path)
    assert answer.status_code == 200, answer.text
    assert "NATS does not answer" in answer.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/insights?min_score=x", 400),
        ("/insights?state=nonsense", 400),
        ("/?since=nonsense", 400),
        ("/insights/nothing", 404),
        ("/dead-letters/7", 404),
        ("/nothing", 404),
    ],
)
def test_a_wrong_address_gives_a_page_that_says_why(
    console: ConsoleFixture, path: str, status: int
) -> None:
    answer = console.client(accept="text/html").get(path)
    assert (answer.status_code, "<h1>" in answer.text) == (status, True)


def test_a_visit_ends_after_half_an_hour() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    last, current = visits("", now)
    assert last == (now - timedelta(days=1)).isoformat()
    later = now + timedelta(minutes=20)
    assert visits(f"{last}|{current}", later) == (last, later.isoformat())
    tomorrow = now + timedelta(days=1)
    assert visits(f"{last}|{current}", tomorrow) == (now.isoformat(), tomorrow.isoformat())
    assert visits("nonsense|x", now)[0] == last


def test_the_review_queue_hides_scores_until_a_decision(console: ConsoleFixture) -> None:
    text = console.client().get("/review").text
    assert text.index("revealed") < text.index("The models decided")
    assert 'id="revealed" hidden' in text


def test_the_address_keeps_every_filter(console: ConsoleFixture) -> None:
    console.add(*(verdict(number, title=f"n{number}") for number in range(1, 60)))
    text = console.client().get("/insights?kind=analogy&sort=date").text
    assert "kind=analogy&amp;sort=date&amp;cursor=" in text


def test_the_page_of_judges_shows_what_a_place_in_a_call_is_worth(console: ConsoleFixture) -> None:
    text = console.client().get("/judges").text
    assert "Several hypotheses in one call" not in text
    example = json.loads((EXAMPLES / "CriticState.v1.json").read_text())
    example["judges"][0] |= {
        "places": [
            {"place": 0, "answers": 40, "mean": 6.25},
            {"place": 1, "answers": 40, "mean": 6},
        ],
        "place_bias": {"per_place": -0.25, "low": -0.5, "high": -0.05},
    }
    console.rpc.answers[CRITIC_STATE.subject] = CriticState.model_validate(example)
    text = console.client().get("/judges").text
    assert "6.25 (40), 6.00 (40)" in text
    assert "-0.25 points (-0.50 to -0.05)" in text.replace("−", "-")
