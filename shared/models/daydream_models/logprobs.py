"""The whole number that a model was about to say, as an expectation over its token probabilities: 6.8 says more than 7.

Data: the tokens of an answer with their alternatives → for each `"key": number` of a JSON object the values that the alternatives would have been, weighed by
their probabilities. Where a tokenizer takes digits one by one, "1" may begin a 10: how often is read from the alternatives of what followed, if "1" was said,
and is left out if it was not. What can't be told is left out: tokens that do not hold the text, or numbers that had hardly any of the probability.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

NUMBER = re.compile(r'"(?P<key>\w+)"\s*:\s*(?P<value>\d{1,3})(?!\d|\.)')
LEAST, MOST = 1, 10
MASS_MIN = 0.2  # of the probability that must lie on numbers


@dataclass(frozen=True)
class TokenProbabilities:
    """A token as it was said, and the probabilities of what might have stood there, itself included where the server says so."""

    text: str
    alternatives: Mapping[str, float]


def token_of(text: str, logprobs: Mapping[str, float]) -> TokenProbabilities:
    """From log-probabilities."""
    return TokenProbabilities(
        text, {name: math.exp(min(0.0, value)) for name, value in logprobs.items()}
    )


def expected_numbers(text: str, tokens: Sequence[TokenProbabilities]) -> dict[str, float]:
    """The expectation of each number in a JSON answer, by its key; the last one of a key counts."""
    at = -"".join(token.text for token in tokens).find(
        text
    )  # servers cut fences and thinking off the text, not off the tokens
    if at > 0:
        return {}
    starts = []
    for token in tokens:
        starts.append(at)
        at += len(token.text)
    found: dict[str, float] = {}
    for match in NUMBER.finditer(text):
        begins = match.start("value")
        place = next(
            (
                index
                for index, start in enumerate(starts)
                if start <= begins < start + len(tokens[index].text)
            ),
            None,
        )
        value = (
            None
            if place is None
            else _expected(tokens[place], tokens[place + 1] if place + 1 < len(tokens) else None)
        )
        if value is None:
            found.pop(match["key"], None)
        else:
            found[match["key"]] = value
    return found


def _expected(token: TokenProbabilities, following: TokenProbabilities | None) -> float | None:
    chances: dict[int, float] = {}
    for text, chance in token.alternatives.items():
        digits = text.strip()
        if digits.isascii() and digits.isdigit() and LEAST <= int(digits) <= MOST:
            chances[int(digits)] = chances.get(int(digits), 0.0) + chance
    if token.text.strip() == "1" and following is not None and 1 in chances:
        ten = sum(chance for text, chance in following.alternatives.items() if text.startswith("0"))
        share = ten / max(1e-12, sum(following.alternatives.values()))
        chances[MOST] = chances.get(MOST, 0.0) + share * chances[1]
        chances[1] *= 1 - share
    mass = sum(chances.values())
    return (
        sum(value * chance for value, chance in chances.items()) / mass
        if mass >= MASS_MIN
        else None
    )
