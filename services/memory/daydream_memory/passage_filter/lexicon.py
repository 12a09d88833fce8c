"""The words of the rules, from `lexicon.toml`: stop words, headings, document names, phrases."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import PurePath

from daydream_memory.reading.word_lists import word_set

TRIGGER = re.compile(r"[^\W_]+")
EAST_ASIAN = re.compile(r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af]")
# Folders whose documents are all of one kind
FOLDERS = word_set(
    "license licenses licence licences relnotes releasenotes release-notes release_notes "
    "release-announcements changelogs whatsnew whats_new whats-new"
)
NAME_SIGN = re.compile(r"[_.-]")
# one entry of the next change log, as "1234.feature.rst", or the changes of a release by its number
CHANGE_NAME = re.compile(
    r"^\+?\w+\.(?:feature|bug|bugfix|api|perf|misc|docs?|removal|breaking|deprecation|security"
    r"|change|other)(?:\.\d+)?\.(?:rst|md|txt)$"
    r"|^(?:old[-_])?release[-_]?(?:v?\d+[._-]\d|logs?\b|notes?\b|history\b)"
    r"|^(?:\w+[-_])?changelogs?\b|^change[-_]logs?\b|^(?:whats[-_]?new|relnotes)\b"
)
PACKED = (".gz", ".bz2", ".xz")
LIST_NAME = re.compile(
    r"^(?:authors|contributors|maintainers|thanks|credits|codeowners|emeritus|acknowledge?ments)"
    r"(?:\.(?:md|txt|rst))?$"
)
NOTICES = "notices"
HEADING_SIGNS = " :.#*_"
HEADING_NUMBER = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[a-z]\.|appendix [a-z]:?|[ivx]+\.)\s+", re.I)


@dataclass(frozen=True)
class PhraseList:
    """Phrases of one kind. A text without any of the `triggers` has none of the `spaced` ones.

    `unspaced` are those of scripts whose words are not divided by blanks, or take endings.
    """

    triggers: frozenset[str]
    spaced: re.Pattern[str]
    unspaced: re.Pattern[str]

    def count(self, lowered: str, words: Sequence[str]) -> int:
        """Return how many different phrases a text in lower case has. `words` are its words."""
        phrases: set[str] = set()
        if not self.triggers.isdisjoint(words):
            phrases.update(self.spaced.findall(lowered))
        if not lowered.isascii() and EAST_ASIAN.search(lowered):
            phrases.update(self.unspaced.findall(lowered))
        return len(phrases)


@dataclass(frozen=True)
class Lexicon:
    """All lists. `stop_words` is of all languages together."""

    stop_words: frozenset[str]
    headings: dict[str, str]
    heading_ends: frozenset[str]
    document_names: dict[str, str]
    notices: PhraseList
    licences: PhraseList
    abbreviations: frozenset[str]

    def section_kind(self, title: str) -> str:
        """Return the kind of section that a part of a heading path names, the last first, or "".

        Notices are named by the last part only: below "Authors" a text may be about them.
        """
        last, *above = reversed(title.split(" / "))
        for part in (last, *above):
            if not self._may_be_heading(part):
                continue
            name = HEADING_NUMBER.sub("", part.strip().lower()).strip(HEADING_SIGNS)
            kind = self.headings.get(name, "")
            if kind and (kind != NOTICES or part is last):
                return kind
        return ""

    def _may_be_heading(self, title: str) -> bool:
        """Return whether the last word ends a heading: nearly all titles need no further look."""
        words = title.lower().rsplit(maxsplit=1)
        return bool(words) and words[-1].strip(HEADING_SIGNS) in self.heading_ends

    def document_kind(self, source: str) -> str:
        """Return the kind of documents with this file name or in such a folder, or "".

        Endings, and what stands before or behind, do not count: "CHANGELOG_V12.md" is a change log,
        "font-changelog.txt" too, and "licenses/font.txt" is a licence.
        """
        path = PurePath(source.lower())
        stem = path.name
        while stem not in self.document_names and "." in stem:
            stem = stem.rpartition(".")[0]
        words = NAME_SIGN.split(path.stem or path.name)
        folders = FOLDERS.intersection(path.parts[:-1])
        names = (stem, words[0], words[-1], *folders)
        return next((kind for name in names if (kind := self.document_names.get(name, ""))), "")


def _unpacked_name(source: str) -> str:
    path = PurePath(source.lower())
    return path.stem if path.suffix in PACKED else path.name


def names_people(source: str) -> bool:
    """Return whether a document is by its name a list of people."""
    return bool(LIST_NAME.match(_unpacked_name(source)))


def is_change_document(source: str) -> bool:
    """Return whether a document is by its name a part of a change log."""
    return bool(CHANGE_NAME.match(_unpacked_name(source)))


@cache
def load_lexicon() -> Lexicon:
    """Return the bundled lists."""
    raw = tomllib.loads(files(__package__).joinpath("lexicon.toml").read_text("utf-8"))
    listed = " ".join(raw["stop_words"].values()).split()
    # other single Latin letters are more often variables than words
    words = [word for word in listed if len(word) > 1 or word == "a" or not word.isascii()]
    headings = {
        name.strip(): kind for kind, names in raw["headings"].items() for name in names.split(";")
    }
    names = {name: kind for kind, names in raw["document_names"].items() for name in names.split()}
    phrases = {kind: _phrase_list(text) for kind, text in raw["phrases"].items()}
    return Lexicon(
        frozenset(words),
        headings,
        frozenset(name.rsplit(maxsplit=1)[-1] for name in headings if name),
        names,
        phrases["notices"],
        phrases["licences"],
        frozenset(raw["abbreviations"].split()),
    )


def _phrase_list(text: str) -> PhraseList:
    phrases = sorted({phrase for phrase in re.split(r"[|\n]", text) if phrase}, key=len)
    unspaced = [phrase for phrase in phrases if EAST_ASIAN.search(phrase)]
    spaced = [phrase for phrase in phrases if not EAST_ASIAN.search(phrase)]
    triggers = {max(TRIGGER.findall(phrase), key=len) for phrase in spaced}
    return PhraseList(
        frozenset(triggers),
        re.compile(rf"(?<![^\W_])(?:{_alternatives(spaced)})"),
        re.compile(_alternatives(unspaced)),
    )


def _alternatives(phrases: Sequence[str]) -> str:
    """Return a pattern that prefers the longer phrase."""
    return "|".join(re.escape(phrase) for phrase in reversed(phrases))
