"""Settings of the budget service."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from daydream_shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`DAYDREAM_BUDGET_…`"""

    service: ClassVar[str] = "budget"

    time_zone: str = Field("UTC", description="time zone of the calendar windows, e.g. Europe/Zurich")
    envelope_idle_s: float = Field(86_400.0, gt=0, description="an envelope that nobody touched for so long flows back")
    sweep_s: float = Field(1.0, gt=0, le=60, description="how often expired draws and envelopes are looked for")
    snapshot_commits: int = Field(2000, ge=1, description="commits between two snapshots")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}") from None
        return name
