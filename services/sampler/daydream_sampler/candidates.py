"""What strategies see of an anchor: its possible partners, and everything else that was looked at.

An anchor's partners are its nearest facts and some facts at random. The random ones are fixed for a
round, so that every replica sees the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from daydream_contracts.access import are_isolated
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import Neighbour, Neighbourhoods, NeighbourQuery
from daydream_sampler.epoch import Epoch
from daydream_sampler.strategies.interface import FactView, Partner

NEAREST = 64
AT_RANDOM = 32


def are_of_one_document(source: str, other: str) -> bool:
    """Return whether two facts with these sources come from one document."""
    return bool(source) and source == other


@dataclass(frozen=True)
class CandidateSet:
    """A fact as the anchor, the partners that it can have, and `others` that were looked at.

    `hidden`: the fact itself can no longer be drawn.
    """

    anchor: FactView
    partners: tuple[Partner, ...]
    others: tuple[Partner, ...] = ()
    hidden: bool = False

    def beside(self, ordinal: int) -> Partner:
        """Return the fact with this ordinal as a partner. Raise StopIteration without one."""
        facts = (*self.partners, *self.others)
        return next(partner for partner in facts if partner.ordinal == ordinal)


@dataclass(frozen=True)
class CandidateFinder:
    """Say what to ask the memory about a fact, and read its reply.

    `facts`: how many there are. `draws`: in how many drawn pairs each fact is, by ordinal.
    `may_see`: whether the models of all stages may see facts of a clearance. `same_document`:
    whether two facts of one document may be partners.
    """

    epoch: Epoch
    facts: int
    draws: Mapping[int, int]
    may_see: Callable[[str], bool]
    same_document: bool = False

    def query(self, ordinal: int, *also: int) -> NeighbourQuery:
        """Return what to ask about a fact: its neighbours, those at random, and `also` these."""
        return NeighbourQuery(ordinal=ordinal, also=(*self._at_random(ordinal), *also))

    def read(self, neighbours: Sequence[Neighbour], scale: Neighbourhoods) -> CandidateSet:
        """Return the candidates in one neighbourhood of a reply, the fact itself first.

        The reply is sorted, so the first `NEAREST` that are not hidden are the nearest of all.
        """
        own, *others = neighbours
        at_random = frozenset(self._at_random(own.ordinal))
        partners, beside, nearest = list[Partner](), list[Partner](), 0
        for neighbour in others:
            nearest += not neighbour.hidden
            is_candidate = nearest <= NEAREST or neighbour.ordinal in at_random
            partner = self._partner(neighbour, scale, at_random)
            (partners if is_candidate and self._is_open(own, neighbour) else beside).append(partner)
        return CandidateSet(
            self._view(own),
            tuple(partners),
            tuple(beside),
            hidden=own.hidden or not self.may_see(own.clearance),
        )

    def is_excluded(self, kind: FactKind) -> bool:
        """Return whether only uniform may draw facts of this kind in this round."""
        return kind is FactKind.INSIGHT and not self.epoch.round.generated

    def _is_open(self, own: Neighbour, other: Neighbour) -> bool:
        return (
            not other.hidden
            and not other.related
            and not are_isolated(own.team, other.team)
            and (self.same_document or not are_of_one_document(own.source, other.source))
            and self.may_see(other.clearance)
            and not self.is_excluded(other.kind)
        )

    def _view(self, fact: Neighbour) -> FactView:
        draws = self.draws.get(fact.ordinal, 0)
        return FactView(fact.ordinal, fact.source, fact.domain, fact.kind, draws)

    def _partner(
        self, fact: Neighbour, scale: Neighbourhoods, at_random: frozenset[int]
    ) -> Partner:
        return Partner(
            fact.ordinal,
            fact.source,
            fact.domain,
            fact.kind,
            self.draws.get(fact.ordinal, 0),
            closeness=(fact.similarity - scale.unrelated_median) / scale.unrelated_spread,
            at_random=fact.ordinal in at_random,
        )

    def _at_random(self, ordinal: int) -> list[int]:
        chosen = random.Random(f"{self.epoch.key}:{self.epoch.round.number}:{ordinal}")
        return chosen.sample(range(self.facts), min(AT_RANDOM, self.facts))
