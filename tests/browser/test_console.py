"""A person's tasks on a running system, in Debian's chromium: wide and narrow, light and dark."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from browser.screenshots import paths
from browser.system import AXE, SCHEMES, WIDTHS, opened
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser
VARIANTS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
REFUSED = "status of 409"  # the browser logs an answer that a test provokes
RUN_AXE = "async () => (await axe.run({resultTypes: ['violations']})).violations"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with opened(browser, 1280, "light") as (page, errors):
        yield page
        assert [error for error in errors if REFUSED not in error] == []


def api(url: str, path: str) -> Any:
    return httpx.get(f"{url}api/v1/{path}", trust_env=False).json()


def go(page: Page, address: str) -> None:
    """Open a page. The stream of events never ends, so wait for the document alone."""
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_selector("h1")


@pytest.mark.parametrize(("width", "scheme"), VARIANTS)
def test_every_screen_is_accessible_without_errors_and_fits(
    url: str, browser: Browser, width: int, scheme: str
) -> None:
    problems: dict[str, Any] = {}
    with opened(browser, width, scheme) as (page, errors):
        for name, path in paths(url).items():
            go(page, f"{url}{path}")
            page.evaluate(Path(AXE).read_text())
            violations = [
                (each["id"], [node["html"][:120] for node in each["nodes"]][:3])
                for each in page.evaluate(RUN_AXE)
            ]
            overflow = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
            if violations or overflow or errors:
                problems[name] = (violations, overflow, list(errors))
                errors.clear()
    assert problems == {}, json.dumps(problems, indent=1)


def test_filters_stay_in_the_address(url: str, page: Page) -> None:
    go(page, f"{url}insights")
    page.select_option("select[name=state]", "discarded")
    page.locator(".filters button").click()
    page.wait_for_url("**state=discarded**")
    expect(page.locator("#results tbody .state").first).to_have_text("discarded")
    page.reload(wait_until="domcontentloaded")
    expect(page.locator("select[name=state]")).to_have_value("discarded")


def test_the_queue_is_worked_by_keyboard_blind_and_can_be_undone(url: str, page: Page) -> None:
    go(page, f"{url}review")
    first = page.locator("#review").get_attribute("data-insight")
    expect(page.locator("#revealed")).to_be_hidden()
    page.keyboard.press("e")
    page.keyboard.type("worth a try")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    expect(page.locator("#revealed")).to_be_visible()
    expect(page.locator(".agreement")).to_contain_text("agree")
    reviews = api(url, f"insights/{first}")["reviews"]
    assert [(review["accepted"], review["note"]) for review in reviews] == [(True, "worth a try")]
    page.keyboard.press("u")
    expect(page.locator("#toasts")).to_contain_text("Undone")
    page.keyboard.press("j")
    page.wait_for_url("**at=**")
    assert page.locator("#review").get_attribute("data-insight") != first
    page.keyboard.press("k")
    page.wait_for_url(f"**at={first}**")


def test_an_outcome_is_recorded(url: str, page: Page) -> None:
    insight = api(url, "insights")["insights"][1]
    go(page, f"{url}insights/{insight['verdict_id']}")
    page.fill("input[name=note]", "measured twice")
    page.locator("button", has_text="Record the outcome").click()
    expect(page.locator("li", has_text="measured twice")).to_contain_text("confirmed")


def test_a_retraction_names_what_is_hidden_with_it(url: str, page: Page) -> None:
    insight = api(url, "insights")["insights"][2]
    go(page, f"{url}insights/{insight['verdict_id']}/retract")
    page.fill("input[name=why]", "wrong")
    page.locator("button.danger").click()
    page.wait_for_url(f"**/insights/{insight['verdict_id']}")
    expect(page.locator("h1 .state")).to_have_text("retracted")


def test_removing_a_limit_asks_first(url: str, page: Page) -> None:
    go(page, f"{url}budget")
    page.locator("summary", has_text="Remove").first.click()
    form = page.locator("form[data-change=remove]").first
    form.locator("input[name=why]").fill("test")
    form.locator("button").click()
    page.locator("dialog[open] button", has_text="No").click()
    assert len(api(url, "budget")["limits"]) == 1


def test_on_a_phone_a_filtered_table_still_names_its_columns(url: str, browser: Browser) -> None:
    with opened(browser, 390, "light") as (page, _):
        go(page, f"{url}insights")
        page.select_option("select[name=state]", "all")
        page.locator(".filters button").click()
        page.wait_for_url("**state=all**")
        cell = page.locator("#results tbody tr").first.locator("td").nth(5)
        expect(cell).to_have_attribute("data-column", "strategy")


def test_search_finds_passages_by_meaning(url: str, page: Page) -> None:
    go(page, f"{url}documents")
    page.fill("input[name=text]", "rivers")
    page.locator(".filters button").click()
    expect(page.locator("h2", has_text="Search results")).to_be_visible()
