"""Fill templates. Every text of models and documents is escaped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from daydream_console.diagnosis.model import counted, dollars
from daydream_console.reviews import describe_review
from daydream_console.web.services import services_of

TEMPLATES = Path(__file__).parents[1] / "templates"
NAVIGATION = (
    ("/", "Overnight"),
    ("/insights", "Insights"),
    ("/review", "Review"),
    ("/live", "Live"),
    ("/budget", "Budget"),
    ("/sampler", "Sampler"),
    ("/judges", "Judges"),
    ("/documents", "Documents"),
    ("/dead-letters", "Dead letters"),
    ("/settings", "Settings"),
)
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def age(seconds: float | None) -> str:
    """Return a duration in its largest unit."""
    if seconds is None:
        return "–"
    for unit_s, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit_s:
            return f"{seconds / unit_s:.0f} {name}"
    return f"{seconds:.0f} s"


def moment(at: datetime | None) -> str:
    """Return a time in UTC, to the minute."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}" if at else "–"


def percent(share: float | None) -> str:
    """Return a share as a whole percentage."""
    return "–" if share is None else f"{share:.0%}"


def number(value: float | None, digits: int = 1) -> str:
    """Return a number with this number of decimals."""
    return "–" if value is None else f"{value:,.{digits}f}"


def pretty(text: str) -> str:
    """Return JSON text with line breaks. Other text stays as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "age": age,
        "moment": moment,
        "percent": percent,
        "number": number,
        "usd": dollars,
        "pretty": pretty,
        "review_words": describe_review,
    }
    environment.globals |= {"counted": counted, "navigation": NAVIGATION}
    return environment


ENVIRONMENT = _environment()


async def page(request: Request, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return the page with the diagnosis that every screen shows."""
    services = services_of(request)
    context = {
        "diagnosis": await services.loop.diagnosis(),
        "dead_letters": (await services.loop.state()).dead_letters,
        "identity": getattr(request.state, "identity", None),
        "path": request.url.path,
        "query": str(request.url.query),
        "now": datetime.now(UTC),
        **values,
    }
    return HTMLResponse(ENVIRONMENT.get_template(template).render(context), status)


def with_parameters(request: Request, **changes: str | None) -> str:
    """Return the query of the request with changed parameters. None removes one."""
    kept = [
        (name, value)
        for name, value in request.query_params.multi_items()
        if name not in changes and value
    ]
    added = [(name, value) for name, value in changes.items() if value is not None]
    return urlencode([*kept, *added])
