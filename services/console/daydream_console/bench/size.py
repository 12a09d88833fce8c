"""How large a benchmark is. It imports nothing: the help of the command needs these numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class BenchSize:
    """How large a benchmark is.

    `pairs`: bridges and decoys, 0 for all. `daydreams_max` and `minutes_max` bound a run of an arm
    besides its cap; 0 does not.
    """

    pairs: int
    plain_notes: int
    daydreams_max: int
    minutes_max: float
    votes: int
    labelled: int

    def changed(
        self,
        plain_notes: int | None = None,
        daydreams_max: int | None = None,
        minutes_max: float | None = None,
        votes: int | None = None,
    ) -> BenchSize:
        """Return it with these fields, as far as they are given."""
        return replace(
            self,
            plain_notes=self.plain_notes if plain_notes is None else plain_notes,
            daydreams_max=self.daydreams_max if daydreams_max is None else daydreams_max,
            minutes_max=self.minutes_max if minutes_max is None else minutes_max,
            votes=self.votes if votes is None else votes,
        )


FULL_SIZE = BenchSize(
    pairs=0, plain_notes=60, daydreams_max=0, minutes_max=0, votes=5, labelled=1000
)
# Enough to see that everything works, in minutes with a small model on two cores.
QUICK_SIZE = BenchSize(pairs=8, plain_notes=0, daydreams_max=4, minutes_max=5, votes=1, labelled=4)
