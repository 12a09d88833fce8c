"""How much a judge favours a place, where it scores several hypotheses in one call.

Orders are random, so hypotheses are as good in one place as in another. What is left is the judge's
bias: the slope of its scores by place (least squares), with its 95 % interval.
"""

from __future__ import annotations

from collections.abc import Mapping

from daydream_contracts.rpc import PlaceBias
from daydream_critic.history.records import PlaceStats

Z95 = 1.96
SCORES_MIN = 3  # a slope and a variance need more than two


def place_bias(places: Mapping[int, PlaceStats]) -> PlaceBias | None:
    """Return what each place further down adds to a score, or None if too little is known."""
    count = sum(row.count for row in places.values())
    if count < SCORES_MIN:
        return None
    mean_place = sum(place * row.count for place, row in places.items()) / count
    mean = sum(row.total for row in places.values()) / count
    spread = sum(row.count * (place - mean_place) ** 2 for place, row in places.items())
    if not spread:
        return None
    shared = sum(row.total * (place - mean_place) for place, row in places.items())
    slope = shared / spread
    squares = sum(row.squares for row in places.values()) - count * mean**2
    residual = max(0.0, squares - slope * shared) / (count - 2)
    error = Z95 * float((residual / spread) ** 0.5)
    return PlaceBias(per_place=slope, low=slope - error, high=slope + error)
