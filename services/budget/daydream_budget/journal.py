"""Changes that can be taken back: a commit that loses the race for its place in the stream never happened."""

from __future__ import annotations

from collections.abc import Hashable, MutableMapping
from typing import Any

_ABSENT: Any = object()


class Journal:
    """Writes into dictionaries and attributes, and, since a mark, remembers what was there before."""

    def __init__(self) -> None:
        self._undo: list[tuple[MutableMapping[Any, Any], Hashable, Any]] | None = None

    def mark(self) -> None:
        """From here on everything can be taken back."""
        self._undo = []

    def keep(self) -> None:
        """What was written since the mark stays."""
        self._undo = None

    def rollback(self) -> None:
        """What was written since the mark was never written."""
        for mapping, key, old in reversed(self._undo or ()):
            if old is _ABSENT:
                mapping.pop(key, None)
            else:
                mapping[key] = old
        self._undo = None

    def put(self, mapping: MutableMapping[Any, Any], key: Hashable, value: Any) -> None:
        """mapping[key] = value"""
        if self._undo is not None:
            self._undo.append((mapping, key, mapping.get(key, _ABSENT)))
        mapping[key] = value

    def drop(self, mapping: MutableMapping[Any, Any], key: Hashable) -> None:
        """Remove the key, if it is there."""
        if key in mapping:
            if self._undo is not None:
                self._undo.append((mapping, key, mapping[key]))
            del mapping[key]

    def set(self, thing: object, **values: Any) -> None:
        """thing.name = value, for each."""
        for name, value in values.items():
            self.put(vars(thing), name, value)
