"""The settings of all services: of a running system, or what would be started here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

from nats.js import JetStreamContext
from nats.js.errors import BucketNotFoundError, NoKeysError

from daydream_console.local.stack import SERVICES, module_of
from daydream_contracts.buckets import SETTINGS
from daydream_runtime.settings import ServiceSettings
from daydream_runtime.settings_report import ServiceReport, report_of


async def running_settings(js: JetStreamContext) -> list[ServiceReport]:
    """Return what each service of a running system has reported at its start."""
    try:
        bucket = await js.key_value(SETTINGS.name)
        names = await bucket.keys()
    except (BucketNotFoundError, NoKeysError):
        return []
    entries = [await bucket.get(name) for name in sorted(names)]
    return [ServiceReport.model_validate(json.loads(entry.value or b"{}")) for entry in entries]


def planned_settings(environment: Mapping[str, str] = os.environ) -> list[ServiceReport]:
    """Return what the services that are installed here would start with.

    Raise ConfigurationError for an invalid setting.
    """
    installed = [service for service in SERVICES if find_spec(module_of(service))]
    with _environment(environment):
        return [report_of(_settings_class(service).read()) for service in installed]


def _settings_class(service: str) -> type[ServiceSettings]:
    definitions = import_module(f"{module_of(service)}.settings")
    kind: type[ServiceSettings] = getattr(definitions, f"{service.capitalize()}Settings")
    return kind


@contextmanager
def _environment(environment: Mapping[str, str]) -> Iterator[None]:
    """Let the settings classes read this environment. They know no other source."""
    own = dict(os.environ)
    given = dict(environment)
    os.environ.clear()
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(own)
