"""Phrases that the project's prose does not use; the list is phrases.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from checks.finding import Finding
from checks.passages import passages
from checks.sources import PRODUCT, ROOT, TESTS, TOOLS, SourceFile, python_files, read

LIST = Path(__file__).with_name("phrases.toml")
WORD_START, WORD_END = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
TEXTS = (
    "*.md",
    "*.yml",
    ".env.example",
    ".github/**/*.md",
    ".github/**/*.yml",
    "Makefile",
    "deploy/**/*.conf",
    "deploy/**/*.md",
    "deploy/docker/Dockerfile",
    "docs/**/*.md",
    "helm/**/*.md",
    "helm/**/*.tpl",
    "helm/**/*.txt",
    "helm/**/*.yaml",
    "pyproject.toml",
    "services/*/*.md",
    "services/*/*/prompts/**/*.md",
    "services/*/*/web/static/*.css",
    "services/*/*/web/static/*.js",
    "services/*/*/web/templates/**/*.html",
    "services/*/pyproject.toml",
    "shared/*/*.md",
    "shared/*/pyproject.toml",
)


@dataclass(frozen=True)
class Phrase:
    """A banned phrase and what to write instead."""

    pattern: re.Pattern[str]
    instead: str


def run() -> list[Finding]:
    """Check the docs, help texts, pages, prompts, comments and strings."""
    texts = [read(path) for paths in texts_by_pattern().values() for path in paths]
    return list(check([*texts, *python_files((*PRODUCT, *TOOLS, *TESTS))], banned()))


def texts_by_pattern() -> dict[str, list[Path]]:
    """Return the files that each pattern of `TEXTS` selects."""
    return {pattern: sorted(ROOT.glob(pattern)) for pattern in TEXTS}


def check(files: Iterable[SourceFile], phrases: Iterable[Phrase]) -> Iterator[Finding]:
    """Yield a finding for each use of a phrase."""
    for file in files:
        for passage in passages(file):
            for phrase in phrases:
                for match in phrase.pattern.finditer(passage.text):
                    yield Finding(
                        file.path,
                        passage.lines[match.start()],
                        f'"{match.group().strip()}" is not used here',
                        f"Write: {phrase.instead}",
                    )


@cache
def banned(path: Path = LIST) -> tuple[Phrase, ...]:
    """Read the list. Raises KeyError if an entry lacks `instead`, and its phrases or pattern."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["entry"]
    return tuple(Phrase(_compiled(entry), entry["instead"]) for entry in entries)


def _compiled(entry: dict[str, object]) -> re.Pattern[str]:
    flags = re.NOFLAG if entry.get("case") else re.IGNORECASE
    if "pattern" in entry:
        return re.compile(f"{WORD_START}(?:{entry['pattern']}){WORD_END}", flags)
    phrases = entry["phrases"]
    if not isinstance(phrases, list):
        raise TypeError(f"phrases is not a list: {phrases!r}")
    return re.compile(f"{WORD_START}(?:{'|'.join(map(re.escape, phrases))}){WORD_END}", flags)
