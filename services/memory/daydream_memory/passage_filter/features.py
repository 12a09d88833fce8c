"""What is measured of a block: shares of signs and of kinds of words, all between 0 and 1.

Every feature is linear in the length of the text, and can be named to a person.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, overload

from daydream_memory.passage_filter.lexicon import Lexicon
from daydream_memory.passage_filter.scripts import (
    CJK_CHARS_PER_WORD,
    HAN_OR_KANA,
    HIRAGANA,
    is_unspaced,
)
from daydream_memory.passage_filter.signs import (
    count_code_signs,
    count_digits,
    count_sentence_ends,
    longest,
    words_of,
)

# A name of a place in a network, a file system or a program: what points elsewhere
ADDRESS_SIGNS = ("/", "@", "www.")  # a text without any of them has no address
ADDRESS = re.compile(
    r"\b(?:https?|ftp)://\S+|\bwww\.\S+|[\w.+-]{1,64}@[\w-]+\.\w+|(?<!\w)[~.]?/[\w.+-]+/[\w./+-]*"
)
OPAQUE = re.compile(
    r"[A-Za-z0-9+/=_%-]{32,}|\b(?:[0-9a-f]{2}[: ]?){8,}\b|\b(?:0x)?[0-9a-fA-F]{12,}\b"
)
# What an opaque run must have, by the length of the longest token
HEX_CHARS_MIN, OPAQUE_CHARS_MIN = 12, 32
# Without a token of this length, only pairs of digits can be opaque
OPAQUE_TOKEN_CHARS = 12
HEX_PAIRS = re.compile(r"(?:[0-9a-f]{2}[: ]?){8}")
# words, also as the names in programs are put together of them
PLAIN_WORD = re.compile(
    r"(?:[A-Za-z]?[a-z]+|_*[A-Z]{2,20})(?:[-_/]+(?:[A-Za-z]?[a-z]+|[A-Z]{1,20}\d{0,4}))*_*$"
    r"|[a-z]*(?:[A-Z][a-z]{2,20}){2,12}$"
)
PLAIN_TOKEN = re.compile(
    r"[(\[\"'“„«*_]*[^\W\d_]+(?:['’/–-][^\W\d_]+)*[)\]\"'”“»*_]*[.,;:!?…]*[)\]\"'”“»*_]*$"
    r"|\d+[.,]?\d*$"
)
CHINESE_PARTICLE = re.compile(r"[的了是在和有不与及等对为以上将会可被由从其或而且也这中因使于到]")
QUOTED_KEY = re.compile(r"[\"'][\w.$-]+[\"']\s?:\s")
DATA_RUN_CHARS_MIN = 80
DATA_RUN = re.compile(
    r"!?\[[^\]]{0,200}\]\(data:[^)]*\)|\bdata:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]*"
    r"|\b[A-Za-z0-9+/=_-]{80,}"
)
LINE_CHARS_COMPARED = 300
TOKENS_COMPARED = 100  # the share falls with the length of any text


MeasureT = TypeVar("MeasureT")


class Measure(Generic[MeasureT]):
    """A property that is measured when it is first asked for.

    Like `functools.cached_property`, without its lock, which takes a third of the filter's time.
    """

    def __init__(self, measure: Callable[[TextFeatures], MeasureT]) -> None:
        self._measure = measure
        self._name = measure.__name__
        self.__doc__ = measure.__doc__

    @overload
    def __get__(self, block: None, owner: type[TextFeatures]) -> Measure[MeasureT]: ...

    @overload
    def __get__(self, block: TextFeatures, owner: type[TextFeatures]) -> MeasureT: ...

    def __get__(
        self, block: TextFeatures | None, owner: type[TextFeatures]
    ) -> Measure[MeasureT] | MeasureT:
        if block is None:
            return self
        value = self._measure(block)
        block.__dict__[self._name] = value
        return value


def without_data(text: str, tokens: Sequence[str]) -> str:
    """Return the text without its long runs of encoded data. `tokens`: between its blanks."""
    return text if longest(tokens) < DATA_RUN_CHARS_MIN else DATA_RUN.sub("", text)


@dataclass
class TextFeatures:
    """Measures of a block. `text` is the block as one line, `lines` are its lines or items."""

    text: str
    lines: Sequence[str]
    lexicon: Lexicon
    is_list: bool = False
    _shares: dict[Callable[[str], object], float] = field(default_factory=dict)

    @Measure
    def tokens(self) -> list[str]:
        """Return what stands between the blanks."""
        return self.text.split()

    @Measure
    def lowered(self) -> str:
        """Return the text in lower case."""
        return self.text.lower()

    @Measure
    def words(self) -> list[str]:
        """Return the words in lower case."""
        return words_of(self.lowered)

    @Measure
    def word_count(self) -> int:
        """Return the number of words; Chinese and Japanese words have two characters on average."""
        if self.unspaced:
            return len(HAN_OR_KANA.findall(self.text)) // CJK_CHARS_PER_WORD
        return len(self.words)

    @Measure
    def unspaced(self) -> bool:
        """Return whether the script has no blanks between words."""
        return is_unspaced(self.text)

    @Measure
    def chars(self) -> int:
        """Return the number of characters that are no blanks, at least 1."""
        return max(1, sum(map(len, self.tokens)))

    @Measure
    def stop_share(self) -> float:
        """Return the share of stop words, or of the characters that do their work."""
        if self.unspaced:
            particles = len(HIRAGANA.findall(self.text)) + len(CHINESE_PARTICLE.findall(self.text))
            return min(1.0, particles / max(1, self.word_count))
        stops = sum(map(self.lexicon.stop_words.__contains__, self.words))
        return stops / max(1, len(self.words))

    @Measure
    def _letters(self) -> int:
        return sum(map(len, self.words))

    @Measure
    def letter_share(self) -> float:
        """Return the share of characters in words."""
        return self._letters / self.chars

    @Measure
    def digit_share(self) -> float:
        """Return the share of digits among letters and digits."""
        digits = count_digits(self.text)
        return digits / max(1, digits + self._letters)

    @Measure
    def code_share(self) -> float:
        """Return the number of signs of programs and markup per character."""
        return count_code_signs(self.text) / self.chars

    @Measure
    def key_share(self) -> float:
        """Return the share of names in quotes before a colon among the tokens."""
        if '":' not in self.text and "':" not in self.text:
            return 0.0
        return len(QUOTED_KEY.findall(self.text)) / max(1, len(self.tokens))

    @Measure
    def address_share(self) -> float:
        """Return the share of characters in URLs, mail addresses and paths."""
        if not any(sign in self.text for sign in ADDRESS_SIGNS):
            return 0.0
        return sum(map(len, ADDRESS.findall(self.text))) / self.chars

    @Measure
    def opaque_share(self) -> float:
        """Return the share of characters in encoded data: Base64, hashes, keys, sequences."""
        if longest(self.tokens) < OPAQUE_TOKEN_CHARS and not HEX_PAIRS.search(self.text):
            return 0.0
        if not OPAQUE.search(self.text):
            return 0.0
        runs: list[str] = OPAQUE.findall(ADDRESS.sub("", self.text))
        opaque: int = sum(len(part) for part in runs if not PLAIN_WORD.match(part))
        return opaque / self.chars

    @Measure
    def plain_share(self) -> float:
        """Return the share of plain words, with or without punctuation, among the tokens."""
        plain = sum(1 for token in self.tokens if token.isalpha() or PLAIN_TOKEN.match(token))
        return plain / max(1, len(self.tokens))

    @Measure
    def sentence_ends(self) -> int:
        """Return the number of marks that end a sentence."""
        return count_sentence_ends(self.text)

    @Measure
    def distinct_share(self) -> float:
        """Return the share of different ones among the first hundred tokens between blanks."""
        tokens = self.tokens[:TOKENS_COMPARED]
        return len(set(tokens)) / max(1, len(tokens))

    @Measure
    def capital_share(self) -> float:
        """Return the share of words that begin with a capital letter."""
        words = words_of(self.text)
        capitals: int = sum(word[0].isupper() for word in words)
        return capitals / max(1, len(words))

    @Measure
    def words_per_line(self) -> float:
        """Return the mean number of words of a line or item."""
        return self.word_count / max(1, len(self.lines))

    def line_share(self, has_form: Callable[[str], object]) -> float:
        """Return the share of the lines that have a form."""
        if has_form not in self._shares:
            matching = sum(1 for line in self.lines if has_form(line[:LINE_CHARS_COMPARED]))
            self._shares[has_form] = matching / max(1, len(self.lines))
        return self._shares[has_form]
