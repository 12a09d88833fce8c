"""Publish the settings that a service runs with, and where each comes from, without secrets."""

from __future__ import annotations

import os
from typing import Any

import nats.errors
from nats.js.errors import Error as JetStreamError
from nats.js.kv import KeyValue
from pydantic import BaseModel, SecretStr

from daydream_runtime.settings import PREFIX, ServiceSettings

DEFAULT = "default"


class SettingInForce(BaseModel):
    """A setting. `origin` is the variable that set it, or `default`. A secret has no value."""

    name: str
    value: str
    origin: str
    description: str = ""


class ServiceReport(BaseModel):
    """The settings of one service."""

    service: str
    instance: str
    settings: tuple[SettingInForce, ...]


def report_of(settings: ServiceSettings) -> ServiceReport:
    """Return the report of a service. Groups of settings are written with their fields."""
    fields = type(settings).model_fields
    return ServiceReport(
        service=settings.service,
        instance=settings.instance,
        settings=tuple(
            SettingInForce(
                name=name,
                value=_shown(getattr(settings, name)),
                origin=_origin(settings.service, name),
                description=field.description or "",
            )
            for name, field in fields.items()
        ),
    )


def _shown(value: Any) -> str:
    match value:
        case SecretStr():
            return "(set)" if value.get_secret_value() else "(not set)"
        case BaseModel():
            fields = ((name, getattr(value, name)) for name in type(value).model_fields)
            return ", ".join(f"{name}={_shown(part)}" for name, part in fields)
        case dict():
            return ", ".join(f"{name}={_shown(part)}" for name, part in value.items())
        case tuple() | list():
            return ", ".join(_shown(part) for part in value)
    return str(value)


def _origin(service: str, field: str) -> str:
    for prefix in (f"{PREFIX}{service.upper()}_", PREFIX):
        name = f"{prefix}{field.upper()}"
        names = [variable for variable in os.environ if variable == name]
        names = names or [variable for variable in os.environ if variable.startswith(f"{name}_")]
        if any(os.environ[variable] for variable in names):
            return ", ".join(sorted(names))
    return DEFAULT


async def publish_settings(bucket: KeyValue, settings: ServiceSettings) -> None:
    """Store the report under the name of the service. The last replica that started wins."""
    try:
        await bucket.put(settings.service, report_of(settings).model_dump_json().encode())
    except (nats.errors.Error, JetStreamError, TimeoutError):
        return  # it is only shown to people: no reason to stop a start
