"""A running system with results for the browser tests and the screenshots, and a browser."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from daydream_console.local.folder import DataFolder
from daydream_contracts.events import HypothesisProposed
from daydream_contracts.grants import CONSOLE
from daydream_contracts.topology import route_of
from daydream_runtime.nats_connection import open_connection
from support.programs import Daydream, priced_endpoint, until

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
DAYDREAMS = 24


@contextmanager
def running_system(folder: Path) -> Iterator[str]:
    """Run daydreams on the bundled notes, then everything. Yield the address of the console."""
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(folder / "user", endpoint)
        done = daydream("run", "-n", str(DAYDREAMS), "--cap", "1", "--json")
        assert done.returncode == 0, done.stderr
        with daydream.up() as running:
            file = running.data / "running.json"
            url = str(until(lambda: _console_url(file), "the console's address", 60))
            asyncio.run(_break_something(running))
            until(lambda: _complete(url), "the dead letter", 60)
            yield url


def _console_url(file: Path) -> str:

    return str(json.loads(file.read_text()).get("console_url", "")) if file.exists() else ""


async def _break_something(daydream: Daydream) -> None:
    """Send a message that no version can read: it becomes a dead letter."""

    folder = DataFolder(daydream.data)
    client = await open_connection(
        folder.nats_address(folder.read("running.json")["nats_url"], CONSOLE)
    )
    route = route_of(HypothesisProposed)
    await client.jetstream().publish(route.subject, b'{"version": 2}', stream=route.stream)
    await client.close()


def _complete(url: str) -> bool:
    try:
        state: dict[str, Any] = httpx.get(f"{url}api/v1/state", trust_env=False).json()
    except httpx.HTTPError:
        return False
    return bool(state.get("dead_letters"))


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's chromium: apt-get install chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, width: int, scheme: Any) -> Iterator[tuple[Page, list[str]]]:
    """Yield a page, and the errors that its console and its scripts report."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if is_error(message) else None)
    yield page, errors
    context.close()


def is_error(message: Any) -> bool:
    """Return whether a console message is an error or a warning of the content policy."""
    return message.type == "error" or "Content Security" in message.text
