"""The services' settings classes: which variables a deployment may set, and how they are read."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from daydream_console.local.stack import module_of
from daydream_runtime.settings import PREFIX, ServiceSettings

SERVICES = ("budget", "console", "critic", "gateway", "memory", "oracle", "sampler", "synthesizer")
PAID = ("critic", "oracle", "synthesizer")
STAGES = ("critic", "memory", "oracle", "synthesizer")  # each has a key at the gateway
CALLS = ("gateway", *STAGES)  # services that a stop may meet in the middle of a call to a model
IMAGE_OF = {"gateway": "budget", "oracle": "critic"}  # the others have their own


def settings_class(service: str) -> type[ServiceSettings]:
    """Return the settings class of a service."""
    module = importlib.import_module(f"{module_of(service)}.settings")
    kind: type[ServiceSettings] = getattr(module, f"{service.capitalize()}Settings")
    return kind


def variables_of(service: str) -> set[str]:
    """Return every variable that the service reads, in both forms."""
    names: set[str] = set()
    for name, info in settings_class(service).model_fields.items():
        inner = info.annotation
        parts = (
            [f"_{part}" for part in inner.model_fields]
            if isinstance(inner, type) and issubclass(inner, BaseModel)
            else [""]
        )
        names |= {
            f"{prefix}{name}{part}".upper()
            for part in parts
            for prefix in (PREFIX, f"{PREFIX}{service}_")
        }
    return names


@dataclass(frozen=True)
class Reader:
    """Read settings as a service does in its container."""

    patch: pytest.MonkeyPatch

    def __call__(self, service: str, environment: Mapping[str, str]) -> Any:
        """Return the service's settings from this environment and nothing else."""
        for name in [name for name in os.environ if name.startswith((PREFIX, "OPENAI_"))]:
            self.patch.delenv(name)
        for name, value in environment.items():
            self.patch.setenv(name, value)
        return settings_class(service).read()
