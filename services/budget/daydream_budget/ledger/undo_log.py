"""Changes that can be taken back: a commit that loses the race for its place in the stream never happened."""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableMapping
from typing import Any


class UndoLog:
    """Writes into dictionaries and attributes, and, since a mark, remembers how to take each write back."""

    def __init__(self) -> None:
        self._undo: list[tuple[Callable[..., Any], tuple[Any, ...]]] | None = None

    def mark(self) -> None:
        """From here on everything can be taken back."""
        self._undo = []

    def keep(self) -> None:
        """What was written since the mark stays."""
        self._undo = None

    def rollback(self) -> None:
        """What was written since the mark was never written."""
        undo, self._undo = self._undo or [], None
        for function, arguments in reversed(undo):
            function(*arguments)

    def done(self, undo: Callable[..., Any], *arguments: Any) -> None:
        """Something was written by other means; this takes it back."""
        if self._undo is not None:
            self._undo.append((undo, arguments))

    def put(self, mapping: MutableMapping[Any, Any], key: Hashable, value: Any) -> None:
        """mapping[key] = value"""
        if self._undo is not None:
            self._undo.append(
                (mapping.__setitem__, (key, mapping[key]))
                if key in mapping
                else (mapping.__delitem__, (key,))
            )
        mapping[key] = value

    def drop(self, mapping: MutableMapping[Any, Any], key: Hashable) -> None:
        """Remove the key, if it is there. It comes back at the end, where order does not matter."""
        if key in mapping:
            if self._undo is not None:
                self._undo.append((mapping.__setitem__, (key, mapping[key])))
            del mapping[key]

    def set(self, thing: object, **values: Any) -> None:
        """thing.name = value, for each."""
        fields = vars(thing)
        if self._undo is not None:
            self._undo.append((fields.update, ({name: fields[name] for name in values},)))
        fields.update(values)
