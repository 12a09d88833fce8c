"""Count tokens exactly with OpenAI's tokenizer, from `bpe-openai` (extra `tokens`).

This holds only for models at OpenAI's own address, since elsewhere a name does not tell the
tokenizer, and only for families whose vocabulary is published. `bounds` uses the proven bound for
all others. Text that looks like a special token is split up, as the API does it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from urllib.parse import urlsplit

Counter = Callable[[str], int]

OPENAI_HOST = "api.openai.com"
# the longest prefix of a model's name counts; source: tiktoken's table of models
VOCABULARIES = {
    "gpt-5": "o200k_base",
    "gpt-4.1": "o200k_base",
    "gpt-4o": "o200k_base",
    "chatgpt-4o": "o200k_base",
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4-mini": "o200k_base",
    "gpt-4": "cl100k_base",
    "gpt-3.5-turbo": "cl100k_base",
}


def counter_for(model_name: str, base_url: str) -> Counter | None:
    """Return a function that counts the tokens of a text as this model's provider does.

    None if that is not known, or `bpe-openai` is not installed.
    """
    vocabulary = vocabulary_of(model_name) if urlsplit(base_url).hostname == OPENAI_HOST else ""
    return _counter(vocabulary) if vocabulary else None


def vocabulary_of(model_name: str) -> str:
    """Return the vocabulary of an OpenAI model, or an empty string if it is not known.

    A fine-tuned model (`ft:…`) has that of its base.
    """
    name = model_name.removeprefix("ft:")
    families = [
        family
        for family in VOCABULARIES
        if name == family or name.startswith((f"{family}-", f"{family}:"))
    ]
    return VOCABULARIES[max(families, key=len)] if families else ""


@cache
def _counter(vocabulary: str) -> Counter | None:
    try:
        encode = import_module("bpe_openai").get_encoding(vocabulary).encode_ordinary
    except ImportError:
        return None
    return lambda text: len(encode(text))
