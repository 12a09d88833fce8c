"""Filters of the insight table, as the address of a page holds them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, get_args

from fastapi import Query
from pydantic import BaseModel, ValidationError

from daydream_console.web.problems import ProblemError
from daydream_contracts.events import LinkKind
from daydream_contracts.rpc import InsightQuery, InsightSort, InsightState

PAGE = 50
SPANS = {"24h": timedelta(hours=24), "7d": timedelta(days=7), "30d": timedelta(days=30)}
LISTS = ("kinds", "strategies", "models", "teams", "states")


class InsightFilters(BaseModel):
    """The parameters of a page with insights. An empty one does not filter."""

    since: str = ""
    until: str = ""
    words: str = ""
    meaning: str = ""
    kind: LinkKind | str = ""
    strategy: str = ""
    model: str = ""
    team: str = ""
    depth: str = ""
    reviewed: str = ""
    min_score: str = ""
    state: str = ""
    sort: str = "worth"
    cursor: str = ""

    def query(self, **fixed: Any) -> InsightQuery:
        """Return the query. Raise the problem 400 that names the wrong parameter."""
        wanted: dict[str, Any] = {
            "since": _time(self.since),
            "until": _time(self.until),
            "words": self.words,
            "kinds": _listed(self.kind),
            "strategies": _listed(self.strategy),
            "models": _listed(self.model),
            "teams": _listed(self.team),
            "depth": self.depth or None,
            "reviewed": {"yes": True, "no": False}.get(self.reviewed),
            "min_score": self.min_score or None,
            "sort": self.sort,
            "cursor": self.cursor,
            "limit": PAGE,
        }
        if self.state == "all":
            wanted["states"] = tuple(InsightState)
        elif self.state:
            wanted["states"] = (self.state,)
        try:
            return InsightQuery.model_validate({**wanted, **fixed})
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0]) if first["loc"] else ""
            raise ProblemError(
                400, "invalid", f"{name}: {first['msg']}", "Change this filter", name
            ) from None


Filters = Annotated[InsightFilters, Query()]
CHOICES = {
    "kind": [kind.value for kind in LinkKind],
    "state": [*(state.value for state in InsightState), "all"],
    "sort": list(get_args(InsightSort)),
    "since": list(SPANS),
}


def _listed(value: str) -> tuple[str, ...]:
    return (value,) if value else ()


def _time(text: str) -> datetime | None:
    if not text:
        return None
    if text in SPANS:
        return datetime.now(UTC) - SPANS[text]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ProblemError(
            400, "invalid", f"{text[:50]} is no time", "Write a date like 2026-01-31", "since"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
