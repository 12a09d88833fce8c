"""Divide all pairs into six strata: three bands of closeness, within one domain or across two.

Domains that are not known count as two. The bands are those of `regions`.
"""

from __future__ import annotations

from daydream_sampler.regions import BANDS, band_of

WITHIN, ACROSS = "one domain", "two domains"
BAND_NAMES = ("far", "near", "close")  # below, between and above the BANDS
STRATA = tuple(f"{band}, {place}" for place in (ACROSS, WITHIN) for band in BAND_NAMES)
assert len(BAND_NAMES) == len(BANDS) + 1


def stratum_of(domain: str, other: str, closeness: float) -> str:
    """Return the name of a pair's stratum, the same from both sides.

    `closeness` is in standard deviations of unrelated cosines above their median.
    """
    place = WITHIN if domain and domain == other else ACROSS
    return f"{BAND_NAMES[band_of(closeness)]}, {place}"
