"""The most that a call can cost, known before it is made.

Input: an exact count for OpenAI's models where a tokenizer is installed (`counting`), else **one token a UTF-8 byte**; and 16 tokens a
message for what a chat template puts around it. In byte-level BPE (GPT, Llama 3, Qwen, Mistral's newer ones) every token stands for at
least one byte; in SentencePiece with byte fallback (Llama 2, Gemma, Mistral) a character is one piece or one token a byte, and the space
that it puts in front is covered by the 16. So no text has more tokens than bytes, whatever the vocabulary. A tokenizer that normalises
first counts the bytes of what it normalised: NFC can triple a handful of musical and Indic characters, NFKC can make eleven times as much
of a single Arabic ligature. Where that, or a server that adds text of its own, breaks the bound, BudgetedModelClient logs an error and the ledger
records the real cost.

Output: the maximum that is asked for, and `reasoning_tokens_max` where the server bills reasoning beside it. Money: the dearest kind of each
token in every tier that so many tokens can reach, the fee and the surcharge included.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from daydream_models.pricing.tariff import Price, highest_nanousd
from daydream_models.pricing.tokens import Counter

TOKENS_PER_MESSAGE = 16  # what chat templates put around a message, generously


def input_tokens_bound(text_bytes: int, messages: int) -> int:
    """Most tokens that a prompt can have: a token a UTF-8 byte, and 16 a message and one more message for the answer's opening.
    `text_bytes` includes the schema of the answer."""
    return text_bytes + TOKENS_PER_MESSAGE * (messages + 1)


def prompt_tokens_bound(
    contents: Sequence[str], schema_bytes: int, count: Counter | None = None
) -> int:
    """Most tokens that a prompt of these messages can have. With an exact `count` the messages count what they are. The schema counts a
    token a byte in any case: how a provider words it for its model is not known."""
    text = sum(len(content.encode()) if count is None else count(content) for content in contents)
    return input_tokens_bound(text + schema_bytes, len(contents))


def upper_bound_nanousd(
    price: Price,
    text_bytes: int,
    messages: int,
    output_tokens_max: int,
    *,
    span: tuple[datetime, datetime] | None = None,
    batch: bool = False,
) -> int:
    """The most that a call can cost of which nothing but its bytes is known (for `span` see `call_bound_nanousd`). It grows with each
    argument, and is never below the cost of fewer tokens."""
    return call_bound_nanousd(
        price, input_tokens_bound(text_bytes, messages), output_tokens_max, span=span, batch=batch
    )


def call_bound_nanousd(
    price: Price,
    input_tokens_max: int,
    output_tokens_max: int,
    *,
    span: tuple[datetime, datetime] | None = None,
    batch: bool = False,
) -> int:
    """The most that a call with so many tokens can cost. `span`: when it begins and when it ends at the latest (providers with off-peak
    prices bill by the end); None: whenever it is made from now on."""
    times = span or (None,)
    tariffs = [tariff for at in times for tariff in price.tariffs(at, batch)]
    return highest_nanousd(tariffs, input_tokens_max, output_tokens_max)


def input_byte_nanousd(price: Price) -> int:
    """The most that one more byte of a prompt can add to a cost, from now on, while it stays in its tier."""
    return max(tariff.input_token_nanousd() for tariff in price.tariffs())
