"""The live page while events come in: what is open stays open, and it is drawn at most 20 times a
second.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from browser.system import RunningConsole, opened
from playwright.sync_api import Browser, Page, expect

from daydream_contracts.events import AlertRaised
from daydream_contracts.topology import route_of

pytestmark = pytest.mark.browser
EVENTS = 400
REDRAWS_PER_S_MAX = 20
COUNT_REDRAWS = """() => {
  window.redraws = [];
  const note = () => window.redraws.push(performance.now());
  new MutationObserver(note).observe(document.getElementById("events"), {childList: true});
}"""


@pytest.fixture
def page(system: RunningConsole, browser: Browser) -> Iterator[Page]:
    with opened(browser, 1280, "light") as (page, errors):
        page.goto(f"{system.url}live", wait_until="domcontentloaded")
        yield page
        assert errors == []


def alerts(first: int) -> list[bytes]:
    """Return alerts, which are only shown."""
    return [
        AlertRaised(
            alert_id=f"{first}-{number}",
            kind="model",
            about="priced-1",
            text=f"alert {number} of {first}",
            raised_at=datetime.now(UTC),
        )
        .model_dump_json()
        .encode()
        for number in range(EVENTS)
    ]


def test_many_events_a_second_are_drawn_at_most_twenty_times(
    page: Page, system: RunningConsole
) -> None:
    page.evaluate(COUNT_REDRAWS)
    system.publish("budget", route_of(AlertRaised).subject, *alerts(1))
    last = page.locator("#events li").first
    expect(last).to_contain_text(f"alert {EVENTS - 1} of 1", timeout=20_000)
    times = page.evaluate("window.redraws")
    busiest = max(sum(start <= at < start + 1000 for at in times) for start in times)
    assert busiest <= REDRAWS_PER_S_MAX
    assert len(times) < EVENTS / 3, "several events are drawn at once"


def test_a_paused_page_shows_what_came_meanwhile_when_it_goes_on(
    page: Page, system: RunningConsole
) -> None:
    page.locator("#pause").click()
    system.publish("budget", route_of(AlertRaised).subject, *alerts(2)[:5])
    expect(page.locator("#pause")).to_have_text("Continue (5 new)")
    assert "of 2" not in page.locator("#events").inner_text()
    page.locator("#pause").click()
    expect(page.locator("#events li").first).to_contain_text("alert 4 of 2")


def test_what_is_open_stays_open_when_the_diagram_is_drawn_again(page: Page) -> None:
    page.locator("summary", has_text="Other queues").click()
    for _ in range(2):
        with page.expect_response("**/live"):
            pass
    expect(page.locator("details", has_text="Other queues").locator("table")).to_be_visible()
