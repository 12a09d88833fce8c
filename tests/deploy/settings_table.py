"""Write `.env.example` and docs/settings.md from the settings classes. A test keeps them equal.

Run `make reference` after a change of a settings class.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from daydream_budget.gateway.providers.config import ProviderConfig
from daydream_budget.gateway.settings import ONLY_IN_PROVIDERS_FILE
from daydream_console.local.stack import module_of
from daydream_models.settings import ModelSettings, PaidSettings
from daydream_runtime.provision_command import ProvisionSettings
from daydream_runtime.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("sampler", "synthesizer", "critic", "oracle", "memory", "budget", "gateway", "console")
Row = tuple[str, str, str]


def sections() -> Iterator[tuple[str, list[Row]]]:
    """Yield (title, rows of variable, default, description) for all services, then for each."""
    yield "All services", list(_rows("DAYDREAM_", ServiceSettings, {}))
    yield (
        "daydream-provision, which makes streams, consumers and buckets",
        list(_rows("DAYDREAM_", ProvisionSettings, {**ServiceSettings.model_fields})),
    )
    yield (
        "Services that ask a model (for one role: DAYDREAM_SYNTHESIZER_MODEL_NAME and so on)",
        [
            *_rows("DAYDREAM_MODEL_", ModelSettings, {}),
            *_rows("DAYDREAM_", PaidSettings, {**ServiceSettings.model_fields, "model": None}),
        ],
    )
    for service in SERVICES:
        module = importlib.import_module(f"{module_of(service)}.settings")
        kind: type[ServiceSettings] = getattr(module, f"{service.capitalize()}Settings")
        rows = list(_rows(f"DAYDREAM_{service.upper()}_", kind, {**PaidSettings.model_fields}))
        if service == "gateway":
            without = dict.fromkeys(ONLY_IN_PROVIDERS_FILE)
            rows = [*_rows("DAYDREAM_MODEL_", ProviderConfig, without), *rows]
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
    return _text(field.default)


def _text(value: Any) -> str:
    """Return a default as it is written in the environment."""
    if isinstance(value, tuple):
        return ",".join(_text(item) for item in value)
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value).lower() if isinstance(value, bool) else str(value)


def env_example() -> str:
    """Return the text of `.env.example`."""
    lines = [
        "# Every setting with its default.",
        "# DAYDREAM_<SERVICE>_<NAME> sets one of the common ones for one service only.",
    ]
    for title, rows in sections():
        lines += ["", f"# {title}"]
        for variable, default, description in rows:
            lines += [f"# {description}", f"#{variable}={default}"]
    return "\n".join(lines) + "\n"


def markdown() -> str:
    """Return the text of docs/settings.md."""
    lines = [
        "# Settings",
        "",
        "Generated from the settings classes by `make reference`.",
        "",
        "`DAYDREAM_<SERVICE>_<NAME>` wins over `DAYDREAM_<NAME>`: any common setting can be set "
        "for one service only. A list is written with commas.",
        "",
        "Where `DAYDREAM_MODEL_API_KEY` and `DAYDREAM_MODEL_BASE_URL` are not set, the gateway "
        "reads `OPENAI_API_KEY` and `OPENAI_BASE_URL`. No other service needs a key of a provider.",
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
