"""What a new user wants to do, from the first screen, in few clicks and without a shell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from browser.system import RunningConsole, opened
from playwright.sync_api import Browser, Page, expect

from daydream_contracts.events import HypothesisProposed
from daydream_contracts.topology import route_of
from support.programs import until

pytestmark = pytest.mark.browser
HYPOTHESES = route_of(HypothesisProposed)
REFUSED = "status of 409"  # the browser logs an answer that a test provokes


class CountingPage:
    """A page that starts at the first screen and counts what a person clicks."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url, self.clicks = page, url, 0
        page.goto(url, wait_until="domcontentloaded")
        page.wait_for_selector("h1")

    def click(self, selector: str, text: str | None = None) -> None:
        """Click on the first such element."""
        self.page.locator(selector, has_text=text).first.click()
        self.clicks += 1

    def confirm(self) -> None:
        """Say yes to the question of a dialog."""
        self.click("dialog[open] button", "Yes")

    def sees(self, text: str, selector: str = "main", timeout_s: float = 20) -> None:
        expect(self.page.locator(selector).first).to_contain_text(text, timeout=timeout_s * 1000)

    def api(self, path: str) -> Any:
        return httpx.get(f"{self.url}api/v1/{path}", trust_env=False).json()


@pytest.fixture
def person(system: RunningConsole, browser: Browser) -> Iterator[CountingPage]:
    with opened(browser, 1280, "light") as (page, errors):
        yield CountingPage(page, system.url)
        assert [error for error in errors if REFUSED not in error] == []


def test_open_the_best_insight_of_last_night_and_its_sources(person: CountingPage) -> None:
    best = person.page.locator(".card").first
    expect(best.locator("blockquote")).to_have_count(2)
    person.sees("Why", ".card")
    person.click(".card h2 a")
    person.sees("The two facts")
    person.click(".fact a[href^='/facts/']")
    expect(person.page.locator("blockquote.passage")).to_be_visible()
    assert person.clicks == 2


def test_find_out_that_spending_is_paused_and_resume_it(
    person: CountingPage, system: RunningConsole
) -> None:
    pause = {"change": {"kind": "pause", "paused": True}, "why": "holidays"}
    httpx.post(f"{system.url}api/v1/budget/changes", json=pause, trust_env=False)
    person.sees("Spending is paused", "#diagnosis")
    person.sees("holidays", "#diagnosis")
    person.click("#diagnosis a", "Resume")
    form = person.page.locator("form", has=person.page.locator("button", has_text="Resume"))
    form.locator("input[name=why]").fill("back")
    person.click("button", "Resume spending")
    expect(person.page.locator("li", has_text="back").first).to_be_visible()
    assert person.api("budget")["paused"] is False
    assert person.clicks == 2


def test_find_out_that_the_cap_is_used_up_and_top_it_up(
    person: CountingPage, system: RunningConsole
) -> None:
    spent = person.api("budget")["settled_nanousd"]
    limit = {"change": {"kind": "limit", "window": "lifetime", "cap_nanousd": spent}}
    httpx.post(f"{system.url}api/v1/budget/changes", json=limit, trust_env=False)
    system.draw(None)
    person.sees("The cap for all time is used up", "#diagnosis", 60)
    person.click("#diagnosis a", "Top up")
    form = person.page.locator("form[data-change=top-up]").first
    form.locator("input[name=by_usd]").fill("1")
    form.locator("input[name=why]").fill("the night was good")
    person.click("form[data-change=top-up] button")
    person.sees("the night was good")
    person.sees("Working", "#diagnosis", 60)
    system.draw(0)
    (state,) = person.api("budget")["limits"]
    assert state["cap_nanousd"] == spent + 1_000_000_000
    assert person.clicks == 2


def test_reject_an_insight_and_see_that_nothing_built_on_it_is_drawn(
    person: CountingPage, system: RunningConsole
) -> None:
    insight = person.page.locator(".card").first.get_attribute("data-insight")
    person.click(".card h2 a")
    person.sees("In use since")
    person.click("button", "Reject")
    person.sees("not drawn any more", "#toasts")
    person.sees("Not in use since", "#use")
    person.sees("rejected", "h1 .state")
    assert person.clicks == 2
    enough = daydreams(person) + 4
    system.draw(None)
    until(lambda: daydreams(person) >= enough, "four more daydreams", 60, 0.5)
    system.draw(0)
    assert person.api(f"insights/{insight}/use")["drawn_since"] == 0
    person.page.reload(wait_until="domcontentloaded")
    use = person.page.locator("#use")
    expect(use).to_contain_text("cannot be drawn")
    assert "None of them was drawn since then" in use.inner_text() or "No pair" in use.inner_text()
    person.page.goto(system.url, wait_until="domcontentloaded")
    shown = [card.get_attribute("data-insight") for card in person.page.locator(".card").all()]
    assert shown
    assert insight not in shown


def daydreams(person: CountingPage) -> int:
    """Return the number of hypotheses that have a verdict."""
    counts: dict[str, int] = person.api("insights/counts")
    return sum(counts.values())


def test_undo_a_rejection_at_once(person: CountingPage) -> None:
    insight = person.page.locator(".card").first.get_attribute("data-insight")
    person.page.keyboard.press("j")
    person.page.locator(".card").first.focus()
    person.page.keyboard.press("r")
    person.sees("Rejected and retracted", "#toasts")
    assert person.api(f"insights/{insight}")["summary"]["state"] == "rejected"
    person.page.keyboard.press("u")
    person.sees("in use again", "#toasts")
    assert person.api(f"insights/{insight}")["summary"]["state"] == "active"


def test_resend_one_dead_letter_and_drop_another(person: CountingPage) -> None:
    handled = critic(person)["handled"]
    person.sees("2 dead letters", ".line")
    person.click(".line a", "dead letters")
    person.sees("It failed five times in a row")
    person.sees("The message can't be read")
    row = "tbody tr:has-text('The model did not answer')"
    person.click(f"{row} button", "Resend")
    expect(person.page.locator(row)).to_have_count(0)
    person.click("tbody button", "Resend")
    person.sees("Upgrade daydream", ".toast.failed")
    person.click("tbody button", "Drop")
    person.confirm()
    person.sees("None.", "tbody")
    assert person.clicks == 5
    again = "that the critic handles what was sent again"
    until(lambda: critic(person)["handled"] > handled, again, 60, 0.5)
    assert person.api("dead-letters")["total"] == 0, "it did not fail again"


def critic(person: CountingPage) -> Any:
    """Return what the critic's queue of hypotheses looks like."""
    stages = person.api("state")["stages"]
    return next(row for row in stages if row["subject"] == HYPOTHESES.subject)


def test_find_what_a_pdf_lost_at_ingest(person: CountingPage) -> None:
    person.click("nav a", "Documents")
    row = person.page.locator("tbody tr", has_text="tides.pdf")
    expect(row).to_contain_text("hold no text")
    assert person.clicks == 1


def test_a_stage_names_how_many_messages_it_gave_up_on(
    person: CountingPage, system: RunningConsole
) -> None:
    system.publish("synthesizer", HYPOTHESES.subject, b'{"version": 3}')
    person.click("nav a", "Live")
    stage = person.page.locator(".stage", has=person.page.locator("h2", has_text="critic"))
    expect(stage.locator("dd a")).to_have_text("1", timeout=20_000)
