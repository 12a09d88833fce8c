"""One running system and one browser for all tests of the console's pages: both start slowly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from browser.system import RunningConsole, chromium, running_system
from playwright.sync_api import Browser, expect

PATIENCE_MS = 20_000  # of what a page must show: it waits for services on a machine that is busy
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningConsole]:
    """The system, which draws nothing. Tests change its state: what each needs, it makes."""
    with running_system(tmp_path_factory.mktemp("system")) as running:
        yield running


@pytest.fixture(scope="session")
def url(system: RunningConsole) -> str:
    """The address of its console."""
    return system.url


@pytest.fixture(scope="session")
def browser(system: RunningConsole) -> Iterator[Browser]:
    """The browser, which starts after the system: it runs an event loop in this thread."""
    with chromium() as running:
        yield running
