"""Every page is served, whatever is away."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from daydream_console.web.access import AccessRules, NamedToken
from daydream_console.web.pages.overnight import COOKIE, visits
from daydream_console.web.pages.render import TEMPLATES
from daydream_contracts.events import AlertRaised, HypothesisProposed
from daydream_contracts.rpc import CriticState
from daydream_contracts.topology import BUDGET_STATE, CRITIC_STATE, route_of
from support.console import EXAMPLES, ConsoleFixture
from support.insights import insight_fact, promotion, verdict
from support.loop_states import budget, loop_state, stage

HYPOTHESIS = route_of(HypothesisProposed).subject

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


TEMPLATES_WITH_TABLES = sorted(
    file for file in TEMPLATES.glob("*.html") if "<table" in file.read_text()
)


@pytest.mark.parametrize("template", TEMPLATES_WITH_TABLES, ids=lambda file: file.stem)
def test_every_table_has_files_to_download_before_it(template: Path) -> None:
    text = template.read_text()
    before = re.split("<table", text)[:-1]
    assert [bool(re.search(r"ui\.(downloads|files)\(", part)) for part in before] == [True] * len(
        before
    ), "name the table in web/api/table_rows.py, and call ui.downloads"


@pytest.mark.parametrize("file_format", ["csv", "json"])
def test_every_download_of_a_page_works(console: ConsoleFixture, file_format: str) -> None:
    client = console.client()
    links = {
        html.unescape(link)
        for path in (*PAGES, "/documents")
        for link in re.findall(r'href="(/api/[^"]+format=[a-z]+)"', client.get(path).text)
    }
    assert len(links) > 40
    for link in sorted(link for link in links if link.endswith(file_format)):
        answer = client.get(link)
        assert answer.status_code == 200, (link, answer.text)
        assert file_format in answer.headers["content-type"]
        assert answer.headers["content-disposition"].endswith(f'.{file_format}"')


def test_a_reviewer_who_skips_comes_to_every_insight_and_back(console: ConsoleFixture) -> None:
    console.add(*(verdict(number, title=f"n{number}") for number in range(1, 5)))
    client = console.client()
    text, seen = client.get("/review").text, list[str]()
    for _ in range(5):
        seen += re.findall(r'data-insight="([^"]+)"', text)
        text = client.get(html.unescape(re.findall(r'data-skip href="([^"]+)"', text)[0])).text
    assert len(set(seen)) == 5
    assert re.findall(r'data-insight="([^"]+)"', text) == seen[:1], "after the last, the first"
    at_third = client.get(f"/review?at={seen[2]}").text
    assert f"at={seen[1]}" in re.findall(r'data-previous href="([^"]+)"', at_third)[0]
    assert "data-previous" not in client.get(f"/review?at={seen[0]}").text


def test_a_reviewer_without_the_right_to_write_takes_no_lock() -> None:
    token = NamedToken.of(SecretStr("ada:secret"), may_write=False)
    console = ConsoleFixture(AccessRules(tokens=[token]))
    console.add(FIRST)
    text = console.client(authorization="Bearer secret").get("/review").text
    assert "data-insight=" in text
    assert "data-lock" not in text


def test_a_retracted_insight_says_that_nothing_is_drawn_of_it_since(
    console: ConsoleFixture,
) -> None:
    fact = insight_fact(FIRST)
    child = verdict(1, title="child", first=fact)
    console.add(child)
    console.index.add_promotion(promotion(child))
    address = f"/insights/{FIRST.verdict_id}"
    assert "In use since" in console.client().get(address).text
    later = child.hypothesis.pair.drawn_at + timedelta(hours=1)
    console.index.set_visibility(fact.fact_id, active=False, at=later)
    text = console.client().get(address).text
    assert "it and the 1 insight that descends from it cannot be drawn" in text
    assert "1 pair with one of them was judged" in text
    assert "None of them was drawn since then" in text


def test_the_loop_shows_what_each_stage_gave_up_on(console: ConsoleFixture) -> None:
    console.state = loop_state(stage("critic", HYPOTHESIS, failed=3))
    assert '<a href="/dead-letters">3</a>' in console.client().get("/live").text


def test_an_alert_is_named_on_the_first_screen(console: ConsoleFixture) -> None:
    assert "alert</a>" not in console.client().get("/?since=all").text
    alert = AlertRaised.model_validate_json((EXAMPLES / "AlertRaised.v1.json").read_text())
    console.js.stored = {1: type("FakeStored", (), {"data": alert.model_dump_json().encode()})()}
    assert ">1 alert</a>" in console.client().get("/?since=all").text


def test_live_shows_what_came_since_the_last_visit(console: ConsoleFixture) -> None:
    now = datetime.now(UTC)
    for number, hours in enumerate((60, 50, 1), 1):
        at = now - timedelta(hours=hours)
        console.events.add("VERDICTS", number, verdict(number, title=f"n{number}", at=at))
    visit = f"{(now - timedelta(hours=55)).isoformat()}|{now.isoformat()}"
    client = console.client(cookie=f"{COOKIE}={visit}")
    text = client.get("/live").text
    assert "2 events since your last visit" in text
    assert text.index("n2:") < text.index("Before your last visit") < text.index("n1:")
    assert 'data-last="VERDICTS:3"' in text, "the stream goes on from there"


@pytest.mark.parametrize(
    ("query", "button"),
    [
        ("do=top-up&scope=all&window=day", "Top up"),
        ("do=limit&scope=key:lab-1", "Add the limit"),
        ("do=pause", "Pause spending"),
        ("do=tax", "Cap the tax"),
    ],
)
def test_a_diagnosis_leads_to_an_open_form(
    console: ConsoleFixture, query: str, button: str
) -> None:
    console.rpc.answers[BUDGET_STATE.subject] = budget()
    text = console.client().get(f"/budget?{query}").text
    forms = [part.partition("</details>")[0] for part in text.split("<details open>")[1:]]
    assert [f">{button}</button>" in form for form in forms] == [True]
    assert "<details open>" not in console.client().get("/budget").text


def test_a_rejection_is_seen_on_the_page_at_once(console: ConsoleFixture) -> None:
    path = f"insights/{FIRST.verdict_id}"
    answer = console.client().post(f"/api/v1/{path}/reviews", json={"accepted": False})
    assert answer.json()["retracted"]
    assert "Not in use since" in console.client().get(f"/{path}").text
