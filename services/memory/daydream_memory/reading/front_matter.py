"""What a note says about itself before its text: YAML between ---, TOML between +++, or JSON."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping

import yaml

FENCES = {"---": "yaml", "+++": "toml"}
OPENING = re.compile(r"\A\s*(---|\+\+\+)[ \t]*\n")
END = {"---": re.compile(r"^(---|\.\.\.)[ \t]*$", re.MULTILINE)}
TOML_END = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
CHARS_MAX = 100_000
ALIAS = re.compile(r"^[^'\"#\n]*:\s*[*&]\w", re.MULTILINE)


def split_front_matter(text: str) -> tuple[Mapping[str, object], str]:
    """Return the values of the front matter, and the text behind it.

    A text that only begins with a horizontal rule comes back whole. Front matter that cannot be
    parsed is dropped.
    """
    if text.startswith("{"):
        return _json(text)
    opening = OPENING.match(text)
    if not opening:
        return {}, text
    mark = opening.group(1)
    end = END.get(mark, TOML_END).search(text, opening.end(), opening.end() + CHARS_MAX)
    if not end:
        return {}, text
    content = text[opening.end() : end.start()]
    if mark == "---" and ":" not in content:
        return {}, text
    return _values(content, mark), text[end.end() :]


def _values(content: str, mark: str) -> Mapping[str, object]:
    try:
        if mark == "+++":
            return tomllib.loads(content)
        if ALIAS.search(content):  # nested aliases grow without end, and notes have none
            return {}
        values = yaml.safe_load(content)
    except (yaml.YAMLError, tomllib.TOMLDecodeError, ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def _json(text: str) -> tuple[Mapping[str, object], str]:
    try:
        values, end = json.JSONDecoder().raw_decode(text[:CHARS_MAX])
    except (ValueError, RecursionError):
        return {}, text
    if not isinstance(values, dict) or not text[end:].strip():
        return {}, text
    return values, text[end:]
