"""What a check reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One place that breaks a rule: what is wrong there, and what to do about it."""

    path: str
    line: int
    wrong: str
    todo: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.wrong}. {self.todo}."
