"""Derive limits of texts from the fields that hold them, and cut texts to these limits."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel

ModelT = TypeVar("ModelT", bound=BaseModel)
WIDEST_CHARACTER = "\U0010ffff"  # 4 bytes in UTF-8; no character has more
ELLIPSIS = "…"


def chars_max(model: type[BaseModel], field: str) -> int:
    """Return the `max_length` of a text field. Raise TypeError if it has none."""
    limits = _limits(model)
    if field not in limits:
        raise TypeError(f"{model.__name__}.{field} has no max_length")
    return limits[field]


def longest(model: type[ModelT]) -> ModelT:
    """Return an unvalidated instance whose bounded texts have the most bytes that they can have.

    Fields without a `max_length` are not set.
    """
    texts = {name: WIDEST_CHARACTER * limit for name, limit in _limits(model).items()}
    return model.model_construct(_fields_set=None, **texts)


def cut(text: str, length_max: int) -> str:
    """Return `text`, or its beginning and an ellipsis if it exceeds `length_max` characters."""
    if len(text) <= length_max:
        return text
    return text[: max(0, length_max - 1)].rstrip() + ELLIPSIS if length_max else ""


def truncate(text: str, bytes_max: int) -> str:
    """Return the beginning of `text` that fits into `bytes_max` bytes of UTF-8."""
    return text.encode()[:bytes_max].decode(errors="ignore")


def _limits(model: type[BaseModel]) -> dict[str, int]:
    return {
        name: constraint.max_length
        for name, field in model.model_fields.items()
        for constraint in field.metadata
        if hasattr(constraint, "max_length")
    }
