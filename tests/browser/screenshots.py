"""Make the pictures of README and docs: `make screenshots`. They need chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import httpx
from browser.system import chromium, opened, running_system
from playwright.sync_api import Page

TARGET = Path(__file__).parents[2] / "docs" / "assets"
IN_DOCS = ("overnight", "insight", "review", "live", "budget")


def paths(url: str) -> dict[str, str]:
    """Return the address of each screen."""
    page = httpx.get(f"{url}api/v1/insights", trust_env=False).json()
    insight = page["insights"][0]["verdict_id"]
    return {
        "overnight": "?since=all",
        "insights": "insights?state=all",
        "insight": f"insights/{insight}",
        "graph": f"insights/{insight}/graph",
        "calls": f"insights/{insight}/calls",
        "retract": f"insights/{insight}/retract",
        "review": "review",
        "live": "live",
        "budget": "budget",
        "entries": "budget/entries",
        "sampler": "sampler",
        "judges": "judges",
        "documents": "documents?text=rivers",
        "dead-letters": "dead-letters",
        "settings": "settings",
    }


def take(page: Page, url: str, path: str, file: Path, *, whole: bool) -> None:
    """Open a screen and take its picture."""
    page.goto(f"{url}{path}", wait_until="domcontentloaded")
    page.wait_for_selector("h1")
    page.wait_for_timeout(900)  # charts and graphs are drawn by scripts
    page.screenshot(path=file, full_page=whole)


def main(folder: Path, *, everything: bool) -> None:
    """Take pictures: those of the docs, or all screens in both widths and schemes."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as data,
        running_system(Path(data)) as url,
        chromium() as browser,
    ):
        variants = (
            [(1280, "light"), (390, "light"), (1280, "dark")] if everything else [(1280, "light")]
        )
        for width, scheme in variants:
            with opened(browser, width, scheme) as (page, errors):
                for name, path in paths(url).items():
                    if everything or name in IN_DOCS:
                        suffix = f"-{width}-{scheme}" if everything else ""
                        file = folder / f"console-{name}{suffix}.png"
                        take(page, url, path, file, whole=everything)
                print(width, scheme, errors)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]), everything=True)
    else:
        main(TARGET, everything=False)
