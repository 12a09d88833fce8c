"""What the client needs to know of a catalogue: its address, its pace, its requests and answers."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from daydream_critic.oracle.literature import Publication

MARKUP = re.compile(r"<[^>]{0,200}>")
WORD = re.compile(r"[^\W\d_][\w-]{3,}")
WORDS_MAX = 12
COMMON_WORDS = """
    about above after against also because been before being between both cannot could does
    doing during each either even every from have having here however into itself just less
    like made make makes many more most much must only other over rather same should since
    some such than that their them then there therefore these they this those through thus
    under until upon very were what when where whether which while will with within without
    would
"""
COMMON = frozenset(COMMON_WORDS.split())


@dataclass(frozen=True)
class CatalogueAccess:
    """How a lab introduces itself. `url` replaces the address of the catalogue, "" for its own."""

    contact: str
    key: str = field(default="", repr=False)
    url: str = ""


@dataclass(frozen=True)
class CatalogueRequest:
    """The query and the headers of a request."""

    params: dict[str, str]
    headers: dict[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Catalogue:
    """A public catalogue.

    `pause_s` is the minimum time between two requests that its terms ask for. `read` raises
    ValueError for an answer of another form.
    """

    name: str
    url: str
    pause_s: float
    request: Callable[[Sequence[str], int, CatalogueAccess], CatalogueRequest]
    read: Callable[[bytes], list[Publication]]


def key_words(text: str) -> list[str]:
    """Return the words that are asked for: the longest different ones, in the order of the text."""
    words = list(dict.fromkeys(word.lower() for word in WORD.findall(text)))
    candidates = [word for word in words if word not in COMMON]
    longest = set(sorted(candidates, key=len, reverse=True)[:WORDS_MAX])
    return [word for word in candidates if word in longest]


def plain_text(markup: str) -> str:
    """Return a title or an abstract as one line without markup."""
    return " ".join(html.unescape(MARKUP.sub(" ", markup)).split())
