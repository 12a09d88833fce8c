"""The reference pages, and what README and docs refer to, are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daydream_console.web.app import application
from daydream_contracts.metrics import TABLE, MetricKind
from deploy.reference_pages import COMMON_OPTIONS, FIX, FOLDER, commands_page, pages

ROOT = FOLDER.parents[1]
MAKERS = (
    "create_counter",
    "create_histogram",
    "create_observable_gauge",
    "create_observable_counter",
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)\s]*)?\)")
# Fenced code, indented code and code spans.
CODE = re.compile(r"^```[a-z]*\n(.*?)^```|^ {4}(.*?)$|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(
    r"^(?:.*\| |.* exec console |[A-Z_]+=\S+ )?(?:\.venv/bin/)?daydream ([a-z][^\n#]*)", re.M
)
SECTION = re.compile(r"^## daydream ([^\n]+)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"--[a-z-]+")
OUTSIDE_DOCS = (
    "README.md",
    "AGENTS.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "deploy/mounted_config/README.md",
)


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_equals_the_code(name: str) -> None:
    assert (FOLDER / name).read_text() == pages()[name], FIX


def test_each_instrument_is_a_row_of_the_table_of_metrics() -> None:
    """An instrument that is made with the SDK itself would be on no page."""
    made = {
        path
        for folder in ("shared", "services")
        for path in (ROOT / folder).rglob("*.py")
        if any(maker in path.read_text() for maker in MAKERS)
    }
    assert {path.name for path in made} == {"instruments.py"}


def test_a_metric_has_one_row_and_its_names_follow_the_rules_of_prometheus() -> None:
    names = [row.exposed for row in TABLE]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z][a-z0-9_]+", name) for name in names)
    assert all(row.buckets == tuple(sorted(row.buckets)) for row in TABLE)
    assert all(bool(row.buckets) == (row.kind is MetricKind.HISTOGRAM) for row in TABLE)


def test_the_api_page_lists_each_route_and_no_other() -> None:
    page = (FOLDER / "api.md").read_text()
    listed = re.findall(r"^\| (GET|POST|PUT|DELETE) \| `([^`]+)` \|", page, re.MULTILINE)
    paths = application(None).openapi()["paths"]
    served = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    assert sorted(listed) == sorted(served)


def test_each_command_and_option_in_the_docs_exists() -> None:
    texts = [path.read_text() for path in (ROOT / "docs").rglob("*.md")]
    texts += [(ROOT / name).read_text() for name in (*OUTSIDE_DOCS, "CHANGELOG.md")]
    code = ["".join(parts) for text in texts for parts in CODE.findall(text)]
    lines = {line for part in code for line in COMMAND.findall(part)}
    sections = SECTION.findall(commands_page())
    known = {name: {*OPTION.findall(text), *COMMON_OPTIONS} for name, text in sections}
    assert sorted(line for line in lines if not _is_known(line, known)) == []


def _is_known(line: str, known: dict[str, set[str]]) -> bool:
    words = line.split()
    names = (" ".join(words[:length]) for length in (3, 2, 1))
    name = next((name for name in names if name in known), None)
    return name is not None and known[name].issuperset(OPTION.findall(line))


@pytest.mark.parametrize("name", OUTSIDE_DOCS)
def test_links_outside_the_site_lead_to_files(name: str) -> None:
    """The site's own build checks the links within docs."""
    page = ROOT / name
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_has_less_than_150_lines() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 150


def test_paths_that_the_docs_name_exist() -> None:
    texts = [path.read_text() for path in (ROOT / "docs").rglob("*.md")]
    texts += [(ROOT / name).read_text() for name in OUTSIDE_DOCS]
    named = re.compile(r"`((?:shared|services|tests|deploy|helm|docs)/[^`\s<>…*]+)`")
    paths = {path for text in texts for path in named.findall(text)}
    assert sorted(path for path in paths if not Path(ROOT, path).exists()) == []
