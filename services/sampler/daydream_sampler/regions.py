"""The pair space in regions, and by how much each has surprised: which two domains a pair joins, and how close its facts are.

What the regression expects of a pair is corrected by the region that it lies in: the mean of (promoted − expected) over the verdicts there, shrunk
towards 0 as if `PRIOR_VERDICTS` had come out as expected. A round draws each correction from its posterior, a normal one (Thompson, 1933), and
publishes them, so that every proposal's probability is known.
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
    """Of one region: verdicts on its pairs, and the sum of what was promoted there beyond what was expected."""

    model_config = ConfigDict(frozen=True)

    verdicts: int = 0
    surprise: float = 0.0


def region_of(domain: str, other: str, closeness: float) -> str:
    """The name of the region of a pair, the same from both sides; empty where a domain is not known."""
    if not domain or not other:
        return ""
    low, high = sorted((domain, other))
    return f"{low}{BETWEEN}{high}{BETWEEN}{sum(closeness >= bound for bound in BANDS)}"


def corrections_of(
    regions: Mapping[str, Region], rate: float, seed: int, *, temper: float
) -> dict[str, float]:
    """A correction for each of the most drawn regions, drawn from its posterior. `rate`: promoted verdicts among all; `temper`: of the posterior's
    spread."""
    rng = np.random.default_rng(seed)
    most = sorted(regions, key=lambda name: (-regions[name].verdicts, name))[:REGIONS_MAX]
    spread = (max(0.0, rate * (1 - rate))) ** 0.5
    found = {}
    for name in most:
        count = regions[name].verdicts + PRIOR_VERDICTS
        found[name] = round(
            regions[name].surprise / count
            + temper * spread / count**0.5 * float(rng.standard_normal()),
            6,
        )
    return found
