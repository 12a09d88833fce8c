"""The upper bound of a call's cost, known before the call is made.

Input: an exact count for OpenAI's models where a tokenizer is installed (`tokens`), else **one
token per UTF-8 byte**, and 16 tokens per message for what a chat template puts around it. In
byte-level BPE (GPT, Llama 3, Qwen, newer Mistral) every token stands for at least one byte. In
SentencePiece with byte fallback (Llama 2, Gemma, Mistral) a character is one piece or one token per
byte; the 16 cover the space that it puts in front. So no text has more tokens than bytes, whatever
the vocabulary.

A tokenizer that normalises first counts the bytes of the normalised text. NFC can triple a handful
of musical and Indic characters; NFKC can make eleven times as much of one Arabic ligature. If that,
or a server that adds its own text, breaks the bound, the gateway logs an error and the ledger
records the real cost.

Output: the maximum that is asked for, which includes the allowance for reasoning. Money: the most
expensive kind of each token, in every tier that the tokens can reach, with fee and surcharge.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from daydream_budget.pricing.tariff import Price, highest_nanousd
from daydream_budget.pricing.tokens import Counter

TOKENS_PER_MESSAGE = 16  # more than any known chat template puts around a message
Span = tuple[datetime, datetime]


def input_tokens_bound(text_bytes: int, messages: int) -> int:
    """Return the most tokens of a prompt: one per UTF-8 byte, and 16 per message.

    One more message is counted for the opening of the answer. `text_bytes` includes the schema.
    """
    return text_bytes + TOKENS_PER_MESSAGE * (messages + 1)


def prompt_tokens_bound(
    contents: Sequence[str], schema_bytes: int, count: Counter | None = None
) -> int:
    """Return the most tokens of a prompt with these contents of messages.

    With an exact `count` the contents count what they are. The schema always counts one token per
    byte: how a provider words it for its model is not known.
    """
    text = sum(len(content.encode()) if count is None else count(content) for content in contents)
    return input_tokens_bound(text + schema_bytes, len(contents))


def upper_bound_nanousd(
    price: Price,
    text_bytes: int,
    messages: int,
    output_tokens_max: int,
    *,
    span: Span | None = None,
    batch: bool = False,
) -> int:
    """Return the maximum cost of a call of which only the bytes are known.

    It grows with each argument and is never below the cost of fewer tokens. `span` is as in
    `call_bound_nanousd`.
    """
    input_tokens_max = input_tokens_bound(text_bytes, messages)
    return call_bound_nanousd(price, input_tokens_max, output_tokens_max, span=span, batch=batch)


def call_bound_nanousd(
    price: Price,
    input_tokens_max: int,
    output_tokens_max: int,
    *,
    span: Span | None = None,
    batch: bool = False,
) -> int:
    """Return the maximum cost of a call with at most these tokens.

    `span` is the time of its start and the latest time of its end: providers with off-peak prices
    bill by the end. None: whenever it is made from now on.
    """
    times: tuple[datetime | None, ...] = span or (None,)
    tariffs = [tariff for at in times for tariff in price.tariffs(at, batch)]
    return highest_nanousd(tariffs, input_tokens_max, output_tokens_max)


def input_byte_nanousd(price: Price) -> int:
    """Return the maximum cost of one more byte of a prompt within its tier, from now on."""
    return max(tariff.input_token_nanousd() for tariff in price.tariffs())
