"""Read a number of an answer as an expectation over token probabilities: 6.8 says more than 7.

Data: an answer's tokens with their alternatives → for each `"key": number` of a JSON object the
mean of the values that the alternatives stand for, weighted by their probabilities.

A tokenizer may take digits one by one, so "1" may begin a 10. How often it does is read from the
alternatives of the next token if "1" was chosen, and ignored otherwise. A number is left out if the
tokens do not spell the text, or if numbers had hardly any of the probability.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from string import ascii_uppercase

from daydream_models.chat_completion import ChatCompletion

NUMBER = re.compile(r'"(?P<key>\w+)"\s*:\s*(?P<value>\d{1,3})(?!\d|\.)')
SCORE_MIN, SCORE_MAX = 1, 10
NUMBER_PROBABILITY_MIN = 0.2  # share of the probability that numbers must have


@dataclass(frozen=True)
class TokenProbabilities:
    """A token of the answer, and the probabilities of its alternatives (itself among them)."""

    text: str
    alternatives: Mapping[str, float]


def token_probabilities(text: str, logprobs: Mapping[str, float]) -> TokenProbabilities:
    """Return a token with the probabilities of these log-probabilities."""
    probabilities = {name: math.exp(min(0.0, logprob)) for name, logprob in logprobs.items()}
    return TokenProbabilities(text, probabilities)


def completion_numbers(completion: ChatCompletion) -> dict[str, float]:
    """Return the expected numbers of a completion, if its server gave token probabilities."""
    tokens = _tokens(completion)
    if not tokens:
        return {}
    return expected_numbers(completion.choices[0].message.content or "", tokens)


def letter_probabilities(completion: ChatCompletion) -> dict[str, float]:
    """Return the probability of each capital letter where the answer has its first one.

    Empty if no token of the answer is a single capital letter, or the server gave no probabilities.
    """
    for token in _tokens(completion):
        if _is_letter(token.text):
            probabilities: dict[str, float] = {}
            for text, probability in token.alternatives.items():
                if _is_letter(text):
                    letter = text.strip()
                    probabilities[letter] = probabilities.get(letter, 0.0) + probability
            return probabilities
    return {}


def _is_letter(text: str) -> bool:
    return len(text.strip()) == 1 and text.strip() in ascii_uppercase


def _tokens(completion: ChatCompletion) -> list[TokenProbabilities]:
    choice = completion.choices[0] if completion.choices else None
    logprobs = choice.logprobs.content if choice and choice.logprobs else None
    return [
        token_probabilities(
            token.token,
            {token.token: token.logprob}
            | {alternative.token: alternative.logprob for alternative in token.top_logprobs or ()},
        )
        for token in logprobs or ()
    ]


def expected_numbers(text: str, tokens: Sequence[TokenProbabilities]) -> dict[str, float]:
    """Return the expectation of each number in a JSON answer by its key; the last one counts."""
    # servers cut fences and thinking off the text, not off the tokens
    offset = "".join(token.text for token in tokens).find(text)
    if offset < 0:
        return {}
    starts = [0, *accumulate(len(token.text) for token in tokens)]
    expected: dict[str, float] = {}
    for number in NUMBER.finditer(text):
        position = bisect_right(starts, offset + number.start("value")) - 1
        value = _expectation(tokens[position : position + 2])
        if value is None:
            expected.pop(number["key"], None)
        else:
            expected[number["key"]] = value
    return expected


def _expectation(tokens: Sequence[TokenProbabilities]) -> float | None:
    """Return the expected number at the first of these tokens; the second tells 1 from 10."""
    if not tokens:
        return None
    probabilities: dict[int, float] = {}
    for text, probability in tokens[0].alternatives.items():
        digits = text.strip()
        if digits.isascii() and digits.isdigit() and SCORE_MIN <= int(digits) <= SCORE_MAX:
            score = int(digits)
            probabilities[score] = probabilities.get(score, 0.0) + probability
    if tokens[0].text.strip() == "1" and len(tokens) > 1 and 1 in probabilities:
        share = _share_of_zero(tokens[1])
        ten = probabilities.get(SCORE_MAX, 0.0)
        probabilities[SCORE_MAX] = ten + share * probabilities[1]
        probabilities[1] *= 1 - share
    total = sum(probabilities.values())
    if total < NUMBER_PROBABILITY_MIN:
        return None
    return sum(score * probability for score, probability in probabilities.items()) / total


def _share_of_zero(token: TokenProbabilities) -> float:
    zero = sum(
        probability for text, probability in token.alternatives.items() if text.startswith("0")
    )
    return zero / max(1e-12, sum(token.alternatives.values()))
