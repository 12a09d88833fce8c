"""Settings of the budget service."""

from __future__ import annotations

from typing import ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from daydream_runtime.settings import ServiceSettings


class BudgetSettings(ServiceSettings):
    """`DAYDREAM_BUDGET_…`"""

    service: ClassVar[str] = "budget"

    time_zone: str = Field(
        "",
        description="time zone of the calendar windows, e.g. Europe/Zurich; empty: as the ledger says, at first UTC",
    )
    reservation_idle_s: float = Field(
        86_400.0, gt=0, description="a reservation that nobody touched for so long flows back"
    )
    sweep_s: float = Field(
        1.0, gt=0, le=60, description="how often expired draws and reservations are looked for"
    )
    snapshot_commits: int = Field(
        2000, ge=1, description="least number of commits between two snapshots"
    )
    keep_commits: int = Field(
        100_000,
        ge=0,
        description="commits behind the last snapshot that stay in the stream; older ones move to the ledger's archive",
    )
    prices_file: str = Field(
        "",
        description="TOML file with prices that the built-in list lacks or has wrong, for foreground usage that comes without a cost",
    )
    concurrency: int = Field(4, ge=1, le=64, description="foreground reports counted at a time")

    @field_validator("time_zone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}") from None
        return name
