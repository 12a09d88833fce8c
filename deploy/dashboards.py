"""Write Grafana's dashboards into the chart: `python deploy/dashboards.py`, or `make reference`.

They are written as tables in `deploy/dashboards`. A test runs each query against a running system.
Prometheus adds the label `component`, the service, when it scrapes.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "deploy" / "dashboards"
FOLDER = ROOT / "helm" / "daydream" / "dashboards"
SCHEMA_VERSION = 39  # Grafana 10.4 and newer read it
COLUMNS, WIDTH, HEIGHT = 24, 8, 8
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def names() -> list[str]:
    """Return the names of the dashboards."""
    return sorted(path.stem for path in TABLES.glob("*.toml"))


def panels(name: str) -> list[dict[str, Any]]:
    """Return the panels of a dashboard, as they are written. Units are Grafana's."""
    table: list[dict[str, Any]] = tomllib.loads((TABLES / f"{name}.toml").read_text())["panel"]
    return table


def dashboard(name: str) -> dict[str, Any]:
    """Return Grafana's JSON of a dashboard."""
    return {
        "uid": f"daydream-{name}",
        "title": f"daydream: {name}",
        "tags": ["daydream"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]
        },
        "panels": list(_pictures(name)),
    }


def _pictures(name: str) -> Iterator[dict[str, Any]]:
    x = y = 0
    for number, panel in enumerate(panels(name), 1):
        width = panel.get("width", WIDTH)
        if x + width > COLUMNS:
            x, y = 0, y + HEIGHT
        yield {
            "id": number,
            "title": panel["title"],
            "type": panel.get("kind", "timeseries"),
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT},
            "fieldConfig": {
                "defaults": {"unit": panel.get("unit", "none")},
                "overrides": [],
            },
            "targets": [
                {
                    "refId": chr(ord("A") + index),
                    "datasource": SOURCE,
                    "expr": query["expression"],
                    "legendFormat": query["legend"],
                }
                for index, query in enumerate(panel["query"])
            ],
        }
        x += width


def text(name: str) -> str:
    """Return the content of a dashboard's file."""
    return json.dumps(dashboard(name), indent=1) + "\n"


def main() -> None:
    """Write the files."""
    FOLDER.mkdir(exist_ok=True)
    for name in names():
        (FOLDER / f"{name}.json").write_text(text(name))


if __name__ == "__main__":
    main()
