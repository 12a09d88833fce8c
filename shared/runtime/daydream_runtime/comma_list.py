"""Read lists that are written with commas."""

from __future__ import annotations

from typing import Any


def split_list(value: Any) -> Any:
    """Split a comma-separated string and drop empty items. Return anything else unchanged."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value
