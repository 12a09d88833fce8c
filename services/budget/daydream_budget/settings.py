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
        description="time zone of the calendar windows, e.g. Europe/Zurich; "
        "empty: the ledger's own, initially UTC",
    )
    reservation_idle_s: float = Field(
        86_400.0, gt=0, description="idle time after which a reservation expires"
    )
    sweep_s: float = Field(
        1.0,
        gt=0,
        le=60,
        description="interval of the search for expired attempts and reservations",
    )
    clock_skew_s_max: float = Field(
        5.0,
        gt=0,
        le=60,
        description="difference to NATS's clock above which a replica commits nothing, in seconds",
    )
    snapshot_commits: int = Field(
        2000, ge=1, description="minimum number of commits between two snapshots"
    )
    keep_commits: int = Field(
        100_000,
        ge=0,
        description="commits before the last snapshot that stay in the stream; "
        "older ones move to the ledger's archive",
    )
    prices_file: str = Field(
        "",
        description="TOML file with prices that the built-in list lacks or has wrong, "
        "for foreground usage reported without a cost",
    )
    concurrency: int = Field(
        4, ge=1, le=64, description="foreground reports counted at the same time"
    )

    @field_validator("time_zone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name or "UTC")
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"unknown time zone {name!r}") from None
        return name
