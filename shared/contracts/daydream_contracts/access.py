"""Decide who may see what: isolation of teams, and an order of clearances.

A fact may belong to a team, and may need a clearance; most have neither. Facts of two teams are
never drawn together. A model sees a fact only if its clearance (`DAYDREAM_…MODEL_CLEARANCE`) is
at least as high as that of the fact, in the order of `DAYDREAM_CLEARANCES`. Both are checked
before a pair is drawn. A clearance that is not in the order ranks above all others, so its facts
are shown to no model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Fact


@dataclass(frozen=True)
class Clearances:
    """Hold the names of clearances, lowest first.

    Raise ConfigurationError if a name occurs twice.
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.names)) < len(self.names):
            raise ConfigurationError(
                f"DAYDREAM_CLEARANCES has the same name twice: {', '.join(self.names)}",
                "Name each clearance once, the lowest first",
            )

    def rank(self, name: str) -> int:
        """Return 0 for no clearance, then 1, 2 …; an unknown name ranks above all others."""
        if not name:
            return 0
        return self.names.index(name) + 1 if name in self.names else len(self.names) + 1

    def knows(self, name: str) -> bool:
        """Return True if the name is empty, or one of these."""
        return not name or name in self.names

    def may_see(self, model: str, fact: str) -> bool:
        """Return True if a model with this clearance may see a fact that needs that one."""
        return self.knows(fact) and self.knows(model) and self.rank(fact) <= self.rank(model)

    def highest(self, names: Iterable[str]) -> str:
        """Return the clearance that is needed to see everything that needs one of `names`."""
        return max(names, key=self.rank, default="")

    def lowest(self, names: Iterable[str]) -> str:
        """Return what holders of each of these may see; an unknown name counts as no clearance."""
        return min((name if self.knows(name) else "" for name in names), key=self.rank, default="")


def are_isolated(team: str, other: str) -> bool:
    """Return True if facts of these two teams must not be combined."""
    return bool(team and other and team != other)


def team_of(facts: Iterable[Fact]) -> str:
    """Return the team that facts belong to, which pays for work on them; nothing for no team."""
    return next((fact.team for fact in facts if fact.team), "")


def may_appear_with(team: str, clearances: Iterable[str], facts: Sequence[Fact]) -> bool:
    """Return True if a text may be shown beside these facts.

    The text was made from facts of `team` that need `clearances`. Refuse another team's text, and
    a text with a clearance that none of these facts has.
    """
    return team in ("", team_of(facts)) and set(clearances) <= {
        "",
        *(fact.clearance for fact in facts),
    }


def isolated_pairs(teams: Mapping[str, int]) -> int:
    """Count the pairs of facts of different teams. `teams`: number of facts of each team."""
    sizes = [count for team, count in teams.items() if team]
    total = sum(sizes)
    return (total * total - sum(count * count for count in sizes)) // 2
