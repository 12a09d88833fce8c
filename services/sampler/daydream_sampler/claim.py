"""A claim: one draw that a replica is making, from the chosen anchor to the published pair."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from daydream_contracts.events import ScreenRank

UNIFORM = "uniform"


class Claim(BaseModel):
    """A draw in progress, leased to a replica until a time.

    `number` is None while only the `anchor` is chosen (a position among the anchors of the
    strategy). `chance` is the probability that the strategy took this anchor, or this pair where
    there is no anchor. `proposed` is the probability that each strategy alone would have proposed
    the pair. `probability` is that of all strategies together, weighted by `shares`. `waiting`: for
    its rank in the pre-screen, so that it is not published yet; `screened`: it has waited, and
    passed.
    """

    model_config = ConfigDict(frozen=True)

    claim_id: str
    strategy: str = UNIFORM
    anchor: int | None = None
    number: int | None
    chance: float = 0.0
    probability: float = 0.0
    shares: dict[str, float] = {}
    proposed: dict[str, float] = {}
    features: tuple[float, ...] = ()
    rejection_probability_max: float = 0.0
    generated: bool = False  # the pair has a fact that this system wrote
    epoch: int = 0  # of the pair, where it differs from the current one
    why: str = ""
    waiting: bool = False
    screened: bool = False
    rank: ScreenRank | None = None
    owner: str
    claimed_at: datetime
    until: datetime

    def is_open_to(self, owner: str, now: datetime) -> bool:
        """Return whether this replica may make the draw: it is its own, or its lease ran out."""
        return not self.waiting and (self.until < now or self.owner == owner)
