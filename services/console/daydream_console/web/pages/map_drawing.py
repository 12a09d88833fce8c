"""The map of the memory as an SVG drawing: dots for facts, lines for pairs, and links for hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daydream_console.web.api.memory_map import MapAnswer, MapPair
from daydream_contracts.events import FactKind
from daydream_contracts.rpc import InsightState, MapPoint

WIDTH, HEIGHT, MARGIN = 1000, 620, 20
Place = Callable[[MapPoint], tuple[int, int]]


@dataclass(frozen=True)
class HitLine:
    """A promoted insight: the line between its two facts, and the place of its fact."""

    pair: MapPair
    line: str
    insight: tuple[int, int] | None


@dataclass(frozen=True)
class MapDrawing:
    """Paths in the coordinates of the view box. A zero-length line with round ends is a dot."""

    documents: str
    insights: str
    pairs: str
    hits: list[HitLine]
    width: int = WIDTH
    height: int = HEIGHT


def drawing_of(answer: MapAnswer) -> MapDrawing:
    """Return the drawing of a map."""
    place = _scale([*answer.sample, *_ends(answer.pairs)])
    generated = [point for point in answer.sample if point.kind is FactKind.INSIGHT]
    others = [point for point in answer.sample if point.kind is not FactKind.INSIGHT]
    hits = [pair for pair in answer.pairs if pair.state is InsightState.ACTIVE]
    rest = [pair for pair in answer.pairs if pair.state is not InsightState.ACTIVE]
    return MapDrawing(
        documents=_dots(others, place),
        insights=_dots(generated, place),
        pairs=" ".join(_line(pair, place) for pair in rest),
        hits=[
            HitLine(pair, _line(pair, place), place(pair.insight) if pair.insight else None)
            for pair in hits
        ],
    )


def _ends(pairs: Iterable[MapPair]) -> list[MapPoint]:
    ends = [point for pair in pairs for point in (pair.first, pair.second, pair.insight)]
    return [point for point in ends if point is not None]


def _scale(points: list[MapPoint]) -> Place:
    """Return what places points in the view box. Both axes have the same scale."""
    xs, ys = [point.x for point in points] or [0.0], [point.y for point in points] or [0.0]
    left, top = min(xs), max(ys)
    wide, high = (max(xs) - left) or 1.0, (top - min(ys)) or 1.0
    factor = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    shift_x = (WIDTH - factor * wide) / 2
    shift_y = (HEIGHT - factor * high) / 2

    def place(point: MapPoint) -> tuple[int, int]:
        return (
            round(shift_x + factor * (point.x - left)),
            round(shift_y + factor * (top - point.y)),
        )

    return place


def _dots(points: Iterable[MapPoint], place: Place) -> str:
    return " ".join("M{} {}h0".format(*place(point)) for point in points)


def _line(pair: MapPair, place: Place) -> str:
    return "M{} {}L{} {}".format(*place(pair.first), *place(pair.second))
