"""What every `--json` prints: one document with the version of its schema.

An object's fields stand beside `schema`. A list becomes `items`, with the `total` that there is.
An error is `error` and `fix`. The version grows when a field is removed or changes its meaning.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SCHEMA = 1


def json_document(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of an object."""
    return {"schema": SCHEMA, **value}


def json_list(items: Sequence[Any], total: int | None = None) -> dict[str, Any]:
    """Return the document of a list. `total` is larger than the list if this is a page of it."""
    return json_document({"total": len(items) if total is None else total, "items": list(items)})
