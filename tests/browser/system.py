"""A running system with results for the browser tests and the screenshots, and a browser."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from daydream_console.diagnosis import Cause
from daydream_console.local.folder import DataFolder
from daydream_contracts.dead_letters import dead_letter_subject
from daydream_contracts.events import HypothesisProposed
from daydream_contracts.rpc import SetGoal
from daydream_contracts.topology import SAMPLER_GOAL, route_of
from daydream_runtime.nats_connection import open_connection
from support.pdf_files import lines, pdf_file, picture
from support.programs import Daydream, priced_endpoint, until

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
WIDTHS = (1280, 390)
SCHEMES = ("light", "dark")
DAYDREAMS = 24
PAPER = (
    "A tide is higher at the end of a narrow bay than at its mouth, since water piles up",
    "The period of a bay is that of a basin with one open end, four times as long as a wave needs",
    "Where that period is near the half day of the moon, the tide is many times as high",
)


@dataclass(frozen=True)
class RunningConsole:
    """Everything, running: the address of its console, and ways to change what it does."""

    url: str
    daydream: Daydream

    def draw(self, pairs_max: int | None) -> None:
        """Let the sampler draw up to this number of pairs. None: without end."""
        self.elsewhere(self.daydream.request, SAMPLER_GOAL, SetGoal(pairs_max=pairs_max))

    def publish(self, user: str, subject: str, *messages: bytes, **headers: str) -> None:
        """Publish messages as the NATS user of a service, about 100 per second."""
        self.elsewhere(asyncio.run, self._publish(user, subject, messages, headers))

    def elsewhere(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Do this in another thread, since playwright has an event loop in this one."""
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(work, *arguments).result()

    async def _publish(
        self, user: str, subject: str, messages: Iterable[bytes], headers: dict[str, str]
    ) -> None:
        folder = DataFolder(self.daydream.data)
        address = folder.nats_address(folder.read("running.json")["nats_url"], user)
        client = await open_connection(address)
        for message in messages:
            await client.jetstream().publish(subject, message, headers=headers or None)
            await asyncio.sleep(0.01)
        await client.close()


@contextmanager
def running_system(folder: Path) -> Iterator[RunningConsole]:
    """Run daydreams on the bundled notes, then everything. Nothing is drawn when it is yielded.

    One PDF has pages without text. One message failed that can't be sent again, and one that can.
    """
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(folder / "user", endpoint, DAYDREAM_SAMPLER_PAIRS_AHEAD="2")
        done = daydream("run", "-n", str(DAYDREAMS), "--cap", "1", "--json")
        assert done.returncode == 0, done.stderr
        with daydream.up(draws=True) as running:
            file = running.data / "running.json"
            console = RunningConsole(
                str(until(lambda: _console_url(file), "the console's address", 60)), running
            )
            until(lambda: _cause(console.url) == Cause.WORKING, "the first draw", 60, 0.5)
            console.draw(0)
            until(lambda: _cause(console.url) == Cause.GOAL_REACHED, "the end of it", 60, 0.5)
            _ingest(running, folder / "papers")
            _break_something(console)
            until(lambda: _complete(console.url), "the dead letters", 60)
            yield console


def _ingest(daydream: Daydream, folder: Path) -> None:
    """Add a paper of which two pages of three are pictures."""
    folder.mkdir()
    text = lines([f"{fact}." for fact in PAPER])
    (folder / "tides.pdf").write_bytes(pdf_file(text, picture(), picture()))
    done = daydream("ingest", str(folder))
    assert done.returncode == 0, done.stderr


def _console_url(file: Path) -> str:
    return str(json.loads(file.read_text()).get("console_url", "")) if file.exists() else ""


def _break_something(console: RunningConsole) -> None:
    """Make two dead letters: of a message that no version can read, and of a real hypothesis.

    The second one is stored as a service stores it after five failures.
    """
    route = route_of(HypothesisProposed)
    console.publish("synthesizer", route.subject, b'{"version": 2}')
    (verdict, *_) = console.elsewhere(console.daydream.verdicts)
    hypothesis = HypothesisProposed.model_validate(verdict["hypothesis"])
    headers = {
        "Nats-Msg-Id": f"{route.stream}:critic:{hypothesis.message_id}:dead",
        "Daydream-Subject": route.subject,
        "Daydream-Consumer": "critic",
        "Daydream-Reason": "failed-too-often",
        "Daydream-Error": "The model did not answer",
        "Daydream-Deliveries": "5",
    }
    subject = dead_letter_subject(route.stream)
    console.publish("critic", subject, hypothesis.model_dump_json().encode(), **headers)


def _cause(url: str) -> str:
    try:
        answer = httpx.get(f"{url}api/v1/diagnosis", trust_env=False).json()
    except httpx.HTTPError:
        return ""
    return str(answer.get("cause"))


def _complete(url: str) -> bool:
    state: dict[str, Any] = httpx.get(f"{url}api/v1/state", trust_env=False).json()
    return state.get("dead_letters") == 2


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
