"""Undo a tried commit: one that loses the race for its place in the stream never happened."""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableMapping
from typing import Any


class UndoLog:
    """Write to dictionaries and attributes; after `begin`, record how to undo each write."""

    def __init__(self) -> None:
        self._undo: list[tuple[Callable[..., Any], tuple[Any, ...]]] | None = None

    def begin(self) -> None:
        """Start recording: everything written from now on can be rolled back."""
        self._undo = []

    def commit(self) -> None:
        """Keep what was written since `begin`, and stop recording."""
        self._undo = None

    def rollback(self) -> None:
        """Undo what was written since `begin`, latest first, and stop recording."""
        undo, self._undo = self._undo or [], None
        for function, arguments in reversed(undo):
            function(*arguments)

    def record(self, undo: Callable[..., Any], *arguments: Any) -> None:
        """Record how to undo a write that the caller made itself."""
        if self._undo is not None:
            self._undo.append((undo, arguments))

    def put(self, mapping: MutableMapping[Any, Any], key: Hashable, value: Any) -> None:
        """Set `mapping[key]`."""
        if self._undo is not None:
            self._undo.append(
                (mapping.__setitem__, (key, mapping[key]))
                if key in mapping
                else (mapping.__delitem__, (key,))
            )
        mapping[key] = value

    def drop(self, mapping: MutableMapping[Any, Any], key: Hashable) -> None:
        """Remove the key, if present. A rollback appends it: use it where order is irrelevant."""
        if key in mapping:
            if self._undo is not None:
                self._undo.append((mapping.__setitem__, (key, mapping[key])))
            del mapping[key]

    def set(self, target: object, **values: Any) -> None:
        """Set attributes of an object that stores them in its `__dict__`."""
        fields = vars(target)
        if self._undo is not None:
            self._undo.append((fields.update, ({name: fields[name] for name in values},)))
        fields.update(values)
