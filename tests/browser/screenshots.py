"""Make the pictures of README and docs: `make screenshots`. They need chromium."""

from __future__ import annotations

import base64
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from browser.system import chromium, opened, running_system
from playwright.sync_api import Browser, Page

TARGET = Path(__file__).parents[2] / "docs" / "assets"
IN_DOCS = {  # with the scheme of each
    "overnight": "light",
    "insight": "light",
    "review": "dark",
    "live": "light",
    "map": "light",
    "budget": "dark",
}
BYTES_MAX = 150_000
TO_WEBP = """async (png) => {
  const picture = new Image();
  picture.src = `data:image/png;base64,${png}`;
  await picture.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [picture.width, picture.height];
  canvas.getContext("2d").drawImage(picture, 0, 0);
  return canvas.toDataURL("image/webp", 0.85).split(",")[1];
}"""


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
        "map": "documents/map",
        "dead-letters": "dead-letters",
        "settings": "settings",
    }


def take(page: Page, url: str, path: str, *, whole: bool) -> bytes:
    """Open a screen and return its picture as PNG."""
    page.goto(f"{url}{path}", wait_until="domcontentloaded")
    page.wait_for_selector("h1")
    page.wait_for_timeout(900)  # charts and graphs are drawn by scripts
    return page.screenshot(full_page=whole)


def main() -> None:
    """Take the pictures of the docs: small files, in the scheme that each is listed with."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with system_and_browser() as (url, browser), opened(browser, 1280, "light") as (blank, _):
        for scheme in ("light", "dark"):
            with opened(browser, 1280, scheme) as (page, errors):
                for name in (name for name, wanted in IN_DOCS.items() if wanted == scheme):
                    content = take(page, url, paths(url)[name], whole=False)
                    encoded = blank.evaluate(TO_WEBP, base64.b64encode(content).decode())
                    small = base64.b64decode(encoded)
                    assert len(small) <= BYTES_MAX, f"{name} has {len(small)} bytes"
                    (TARGET / f"console-{name}.webp").write_bytes(small)
                print(scheme, errors)


def take_all(folder: Path) -> None:
    """Take pictures of all screens in both widths and schemes, to look at."""
    folder.mkdir(parents=True, exist_ok=True)
    with system_and_browser() as (url, browser):
        for width, scheme in ((1280, "light"), (390, "light"), (1280, "dark")):
            with opened(browser, width, scheme) as (page, errors):
                for name, path in paths(url).items():
                    file = folder / f"console-{name}-{width}-{scheme}.png"
                    file.write_bytes(take(page, url, path, whole=True))
                print(width, scheme, errors)


@contextmanager
def system_and_browser() -> Iterator[tuple[str, Browser]]:
    """Yield the address of a running console, and a browser."""
    with (
        tempfile.TemporaryDirectory() as data,
        running_system(Path(data)) as system,
        chromium() as browser,
    ):
        yield system.url, browser


if __name__ == "__main__":
    if len(sys.argv) > 1:
        take_all(Path(sys.argv[1]))
    else:
        main()
