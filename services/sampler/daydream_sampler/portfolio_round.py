"""A round of the portfolio: what stays fixed while some pairs are drawn, so that probabilities are
exact.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from daydream_sampler.strategies.recheck import DuePair


class PortfolioRound(BaseModel):
    """What is in force until `until` pairs are drawn.

    `shares`: each strategy's share of the draws. `learned`: the coefficients of the learned one.
    `regions`: its corrections. `generated`: whether strategies other than uniform may draw facts
    that this system wrote. `due`: discarded pairs to draw again that no claim has taken yet.
    """

    model_config = ConfigDict(frozen=True)

    number: int = 0
    until: int = 0
    shares: dict[str, float] = {}
    learned: tuple[float, ...] = ()
    regions: dict[str, float] = {}
    generated: bool = True
    due: tuple[DuePair, ...] = ()
