"""Divide the pair space into regions, and correct what the regression expects of each.

A region is two domains and how close the two facts are. Its correction is the mean of
(promoted − expected) over its verdicts, shrunk towards 0 as if `PRIOR_VERDICTS` had come out as
expected. A round draws each correction from its posterior, a normal one (Thompson, 1933), and
publishes them, so that the probability of every proposal is known.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from pydantic import BaseModel, ConfigDict

BANDS = (1.0, 2.5)  # in standard deviations of unrelated cosines above their median
PRIOR_VERDICTS = 10.0
REGIONS_MAX = 128  # the most drawn ones; they are written with each claim
BETWEEN = " | "


class Region(BaseModel):
    """The verdicts on a region's pairs, and the sum of (promoted − expected) over them."""

    model_config = ConfigDict(frozen=True)

    verdicts: int = 0
    surprise: float = 0.0


def region_of(domain: str, other: str, closeness: float) -> str:
    """Return the name of a pair's region, the same from both sides; "" if a domain is unknown."""
    if not domain or not other:
        return ""
    low, high = sorted((domain, other))
    return f"{low}{BETWEEN}{high}{BETWEEN}{band_of(closeness)}"


def band_of(closeness: float) -> int:
    """Return how close a pair is, from 0 to the number of bounds."""
    return sum(closeness >= bound for bound in BANDS)


def corrections_of(
    regions: Mapping[str, Region], rate: float, seed: int, *, temper: float
) -> dict[str, float]:
    """Return a correction for each of the most drawn regions, drawn from its posterior.

    `rate`: the share of verdicts that are promoted. `temper`: a factor on the posterior's spread.
    """
    rng = np.random.default_rng(seed)
    names = sorted(regions, key=lambda name: (-regions[name].verdicts, name))[:REGIONS_MAX]
    spread = (max(0.0, rate * (1 - rate))) ** 0.5
    corrections = {}
    for name in names:
        count = regions[name].verdicts + PRIOR_VERDICTS
        noise = temper * spread / count**0.5 * float(rng.standard_normal())
        corrections[name] = round(regions[name].surprise / count + noise, 6)
    return corrections
