"""The settings of each service: the value in force, and where it comes from. Secrets are masked."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

from daydream_console.local.stack import SERVICES, module_of
from daydream_runtime.settings import PREFIX, ServiceSettings

MASK = "********"
DEFAULT = "default"


@dataclass(frozen=True)
class SettingInForce:
    """One setting of one service. `origin`: a variable, or "default"."""

    service: str
    name: str
    value: str
    origin: str


def settings_of(service: str, environment: Mapping[str, str]) -> list[SettingInForce]:
    """Return the settings of a service as it reads them from this environment.

    Empty for a service that is not installed. Raise ConfigurationError for an invalid one.
    """
    module = f"{module_of(service)}.settings"
    if find_spec(module_of(service)) is None:
        return []
    definitions = import_module(module)
    kind: type[ServiceSettings] = getattr(definitions, f"{service.capitalize()}Settings")
    no_variables = frozenset(getattr(definitions, "ONLY_IN_PROVIDERS_FILE", ()))
    with _environment(environment):
        settings = kind.read()
        fallbacks = kind.fallbacks()
    rows = _rows(service, settings, "", environment, fallbacks)
    return [row for row in rows if row.name.rpartition("_MODEL_")[2].lower() not in no_variables]


def environments(processes: Mapping[str, int]) -> dict[str, dict[str, str]]:
    """Return the environment of each running service; of this process for those that don't run."""
    return {service: _environment_of(processes.get(service)) for service in SERVICES}


def _environment_of(pid: int | None) -> dict[str, str]:
    try:
        content = Path(f"/proc/{pid}/environ").read_bytes() if pid else b""
    except OSError:
        content = b""
    if not content:
        return dict(os.environ)
    variables = (part.partition(b"=") for part in content.split(b"\0") if part)
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in variables}


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    """Let the settings classes read this environment. They know no other source."""
    own = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(own)


def _rows(
    service: str,
    values: BaseModel,
    prefix: str,
    environment: Mapping[str, str],
    fallbacks: Mapping[str, Any],
) -> Iterator[SettingInForce]:
    for name, field in type(values).model_fields.items():
        value = getattr(values, name)
        path = f"{prefix}{name.upper()}"
        fallback = fallbacks.get(name)
        if isinstance(value, BaseModel):
            inner = fallback if isinstance(fallback, Mapping) else {}
            yield from _rows(service, value, f"{path}_", environment, inner)
            continue
        own, shared = f"{PREFIX}{service.upper()}_{path}", f"{PREFIX}{path}"
        variable = next((name for name in (own, shared) if environment.get(name)), "")
        origin = variable or (_fallback_variable(fallback, environment) if fallback else DEFAULT)
        yield SettingInForce(service, variable or shared, _text(value, field.annotation), origin)


def _fallback_variable(fallback: Any, environment: Mapping[str, str]) -> str:
    """Return the variable of another program that a fallback was taken from, e.g. OpenAI's."""
    value = fallback.get_secret_value() if isinstance(fallback, SecretStr) else str(fallback)
    others = (name for name, content in environment.items() if content == value)
    return next((name for name in others if not name.startswith(PREFIX)), DEFAULT)


def _text(value: Any, annotation: Any) -> str:
    if isinstance(value, SecretStr) or _holds_secrets(annotation):
        return MASK if _has_content(value) else ""
    if isinstance(value, tuple | list | frozenset | set):
        return ",".join(_text(item, None) for item in value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _holds_secrets(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secrets(part) for part in get_args(annotation))


def _has_content(value: Any) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)
