"""Who may see what: walls between teams, and an order of clearances.

A fact may belong to a team, and may need a clearance; most have neither. Facts of two teams are never drawn together. A model sees a fact only if
the clearance that it is given (`DAYDREAM_…MODEL_CLEARANCE`) is as high as the fact's in the order of `DAYDREAM_CLEARANCES`. Both are checked before a
pair is drawn. A name that is not in the order is above everything: what nobody knows is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Fact


@dataclass(frozen=True)
class Clearances:
    """Names of clearances, lowest first. No clearance is below all of them."""

    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Clearances:
        """From names with commas between them."""
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if len(set(names)) < len(names):
            raise ConfigurationError(
                f"DAYDREAM_CLEARANCES names one twice: {text}", "Name each once, the lowest first"
            )
        return cls(names)

    def rank(self, name: str) -> int:
        """0 for none, then 1, 2 …; a name that nobody knows comes above all."""
        return (
            0
            if not name
            else self.names.index(name) + 1
            if name in self.names
            else len(self.names) + 1
        )

    def knows(self, name: str) -> bool:
        """Whether it is none, or one of these."""
        return not name or name in self.names

    def may_see(self, model: str, fact: str) -> bool:
        """Whether a model with this clearance may see a fact that needs that one."""
        return self.knows(fact) and self.knows(model) and self.rank(fact) <= self.rank(model)

    def highest(self, names: Iterable[str]) -> str:
        """What is needed to see all of it."""
        return max(names, key=self.rank, default="")

    def lowest(self, names: Iterable[str]) -> str:
        """What all of these may see; nothing that needs any, where one is not known."""
        return min((name if self.knows(name) else "" for name in names), key=self.rank, default="")


def are_isolated(team: str, other: str) -> bool:
    """Whether a wall stands between facts of these teams."""
    return bool(team and other and team != other)


def may_appear_with(team: str, clearances: Iterable[str], facts: Sequence[Fact]) -> bool:
    """Whether what was made of a team's facts with these clearances may be shown to a model that sees these facts: never another team's, never of a
    clearance that these facts do not have."""
    own = next((fact.team for fact in facts if fact.team), "")
    return team in ("", own) and set(clearances) <= {"", *(fact.clearance for fact in facts)}


def isolated_pairs(teams: Mapping[str, int]) -> int:
    """How many pairs of facts have a wall between them, from the number of facts of each team."""
    sizes = [count for team, count in teams.items() if team]
    total = sum(sizes)
    return (total * total - sum(count * count for count in sizes)) // 2
