"""Read how many parameters the model in a GGUF file has."""

from __future__ import annotations

from functools import cache
from math import prod
from pathlib import Path

from daydream_contracts.errors import ConfigurationError

SMALL_PARAMETERS = 1_000_000_000  # below it a model repeats a long prompt instead of following it


@cache
def is_small(weights: Path) -> bool:
    """Return whether a model needs short prompts and answers.

    Raise ConfigurationError for a file that is no GGUF file.
    """
    return parameters(weights) < SMALL_PARAMETERS


def parameters(weights: Path) -> int:
    """Return the number of parameters, counted over all tensors. Read the file's head only.

    Raise ConfigurationError for a file that is no GGUF file.
    """
    try:
        from gguf import GGUFReader
    except ImportError:
        raise ConfigurationError(
            "The reader of local models is not installed",
            "Run pip install 'daydream-console[local]', or use another model with --base-url",
        ) from None
    try:
        tensors = GGUFReader(weights).tensors
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise ConfigurationError(
            f"{weights} is no GGUF file ({error})", "Pass a .gguf file with --model"
        ) from None
    return sum(prod(int(size) for size in tensor.shape) for tensor in tensors)
