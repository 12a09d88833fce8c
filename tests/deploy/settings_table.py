"""Writes `.env.example` and the table of settings in docs/settings.md from the settings classes; a test keeps them equal.

python tests/deploy/settings_table.py   (after a change of a settings class)
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from daydream_console.local.stack import module_of
from daydream_models.settings import ModelSettings, PaidSettings
from daydream_runtime.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("sampler", "synthesizer", "critic", "oracle", "memory", "budget", "console")
Row = tuple[str, str, str]


def sections() -> Iterator[tuple[str, list[Row]]]:
    """(title, rows of variable, default, description) for all services together and for each of them."""
    yield "All services", list(_rows("DAYDREAM_", ServiceSettings, {}))
    yield (
        "Services that call a model (for one role: DAYDREAM_SYNTHESIZER_MODEL_NAME and so on)",
        [
            *_rows("DAYDREAM_MODEL_", ModelSettings, {}),
            *_rows("DAYDREAM_", PaidSettings, {**ServiceSettings.model_fields, "model": None}),
        ],
    )
    for service in SERVICES:
        module = importlib.import_module(f"{module_of(service)}.settings")
        kind: type[ServiceSettings] = getattr(module, f"{service.capitalize()}Settings")
        rows = list(_rows(f"DAYDREAM_{service.upper()}_", kind, {**PaidSettings.model_fields}))
        if rows:
            yield f"The {service}", rows


def _rows(prefix: str, kind: type[BaseModel], without: dict[str, Any]) -> Iterator[Row]:
    for name, field in kind.model_fields.items():
        if name in without:
            continue
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _rows(f"{prefix}{name.upper()}_", field.annotation, {})
        else:
            yield f"{prefix}{name.upper()}", _default(field), field.description or ""


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None or field.default in (None, PydanticUndefined):
        return ""
    if isinstance(field.default, tuple):
        return ",".join(str(_plain(item)) for item in field.default)
    value = _plain(field.default)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plain(value: Any) -> Any:
    return value.get_secret_value() if hasattr(value, "get_secret_value") else value


def env_example() -> str:
    lines = [
        "# Every setting with its default. DAYDREAM_<SERVICE>_<NAME> sets one of the common ones for one service only."
    ]
    for title, rows in sections():
        lines += ["", f"# {title}"]
        for variable, default, description in rows:
            lines += [f"# {description}", f"#{variable}={default}"]
    return "\n".join(lines) + "\n"


def markdown() -> str:
    lines = [
        "# Settings",
        "",
        "Made by `python tests/deploy/settings_table.py` from the settings classes.",
        "",
    ]
    lines += [
        "`DAYDREAM_<SERVICE>_<NAME>` wins over `DAYDREAM_<NAME>`: any common setting can be set for one service only.",
        "",
    ]
    lines += [
        "`OPENAI_API_KEY` and `OPENAI_BASE_URL` are read too, where the model's own settings leave them open.",
        "",
    ]
    for title, rows in sections():
        lines += [f"## {title}", "", "| variable | default | what it is |", "|---|---|---|"]
        lines += [
            f"| `{variable}` | {f'`{default}`' if default else ''} | {description} |"
            for variable, default, description in rows
        ]
        lines += [""]
    return "\n".join(lines)


def main() -> None:
    (ROOT / ".env.example").write_text(env_example())
    (ROOT / "docs").mkdir(exist_ok=True)
    (ROOT / "docs" / "settings.md").write_text(markdown())


if __name__ == "__main__":
    main()
