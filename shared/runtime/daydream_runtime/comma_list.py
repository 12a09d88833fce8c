"""Read lists that are written with commas."""

from __future__ import annotations

from typing import Any

NONE = "none"


def split_list(value: Any) -> Any:
    """Split a comma-separated string and drop empty items. Return anything else unchanged.

    The word `none` alone is the empty list: an empty variable cannot say it, since it means the
    default.
    """
    if isinstance(value, str):
        if value.strip() == NONE:
            return ()
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value
