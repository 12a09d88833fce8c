"""Split rows into train and test so that nothing is on both sides, and both sides are usable.

A row has the units of its two facts: their documents, or where documents are too few, the facts.
Steps: rows that share no unit, directly or through others, fall into components; if whole
components make up the test share, nothing is lost. Otherwise units are ordered by a hash, and the
first ones are tested: as many as bring the test rows closest to their share of all rows in use. A
row with units on both sides is left out. With t of the units on the test side that is about
2t(1 − t) of the rows, so a test share of 10 % leaves out about a third.

The order is the same in every export with this seed. As rows are added, units near the border may
change sides.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TRAIN, TEST, NEITHER = "train", "test", ""
TOLERANCE = 0.2  # of the share: 8 to 12 % of the rows for 10 %
Units = frozenset[str]


@dataclass(frozen=True)
class Split:
    """What the units are, in words and as a `kind` of unit, and which of them are tested."""

    kind: str
    unit: str
    tested: Units
    share: float

    def side(self, units: Units) -> str:
        """Return the side of a row with these units."""
        if units <= self.tested:
            return TEST
        return NEITHER if units & self.tested else TRAIN


def split_of(by_unit: Mapping[str, Sequence[Units]], share: float, seed: int) -> Split:
    """Return the first split whose test rows come close to `share`, or else the closest.

    `by_unit` has the units of each row, for each kind of unit in the order of preference.
    """
    candidates = [
        split
        for name, rows in by_unit.items()
        for split in (_by_component(name, rows, share, seed), _by_order(name, rows, share, seed))
    ]
    close = (split for split in candidates if abs(split.share - share) <= TOLERANCE * share)
    return next(close, min(candidates, key=lambda split: abs(split.share - share)))


def _by_component(name: str, rows: Sequence[Units], share: float, seed: int) -> Split:
    """Test whole components, the first ones in the hash's order that still fit."""
    roots = _components(rows)
    sizes = Counter(roots[next(iter(units))] for units in rows if units)
    wanted, tested, count = share * len(rows), set[str](), 0
    for root in sorted(sizes, key=lambda component: position(component, seed)):
        if count + sizes[root] <= wanted * (1 + TOLERANCE) and count < wanted:
            tested.add(root)
            count += sizes[root]
    units = frozenset(unit for unit, root in roots.items() if root in tested)
    return Split(name, f"groups of {name} that share no row", units, count / max(1, len(rows)))


def _by_order(name: str, rows: Sequence[Units], share: float, seed: int) -> Split:
    """Test the first units in the hash's order: as many as come closest to the share."""
    rows_of = defaultdict[str, list[int]](list)
    for number, units in enumerate(rows):
        for unit in units:
            rows_of[unit].append(number)
    missing = [len(units) for units in rows]  # units of a row that are not tested yet
    train, test = len(rows), 0
    order = sorted(rows_of, key=lambda unit: position(unit, seed))
    best, best_count = 0.0, 0
    for count, unit in enumerate(order, 1):
        for number in rows_of[unit]:
            train -= missing[number] == len(rows[number])
            missing[number] -= 1
            test += missing[number] == 0
        reached = test / max(1, train + test)
        if abs(reached - share) < abs(best - share):
            best, best_count = reached, count
    return Split(name, name, frozenset(order[:best_count]), best)


def _components(rows: Sequence[Units]) -> dict[str, str]:
    """Return for each unit the lowest unit that it is joined with by rows."""
    parents: dict[str, str] = {}

    def root_of(unit: str) -> str:
        while parents.setdefault(unit, unit) != unit:
            parents[unit] = parents[parents[unit]]
            unit = parents[unit]
        return unit

    for units in rows:
        roots = sorted({root_of(unit) for unit in units})
        for root in roots[1:]:
            parents[root] = roots[0]
    return {unit: root_of(unit) for unit in parents}


def position(unit: str, seed: int) -> float:
    """Return the place of a unit in the order, from 0 to 1."""
    digest = hashlib.sha256(f"{seed}:{unit}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64
