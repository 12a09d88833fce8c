"""Cheap hours: the same ones every day, or those of a table of prices.

A table is CSV with a header and two columns that matter: `start` (a time; without an offset it is in the given zone) and `price` (a number in
whatever unit). A price holds until the next row's start, the last one for an hour. The file may be replaced at any time, as a provider's
day-ahead prices are: it is read again when it has changed, and the old one stays in force while the new one can't be read.
"""

from __future__ import annotations

import asyncio
import csv
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from daydream_contracts.errors import ConfigurationError
from daydream_sampler.scheduling.interface import Wait

log = logging.getLogger(__name__)
SPAN = re.compile(r"^\s*(\d{1,2})\s*-\s*(\d{1,2})\s*$")
LAST_ROW_HOLDS = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Hours:
    """Spans of hours of the day, [from, to); one that ends before it begins goes over midnight."""

    spans: tuple[tuple[int, int], ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, text: str, zone: ZoneInfo) -> Hours:
        """From "22-6, 12-14". ValueError says what is wrong with it."""
        spans = []
        for part in text.split(","):
            found = SPAN.match(part)
            if (
                not found
                or not all(0 <= int(hour) <= 24 for hour in found.groups())
                or int(found[1]) == int(found[2])
            ):
                raise ValueError(
                    f"{part.strip()!r} is no span of hours; write them like 22-6, 12-14"
                )
            spans.append((int(found[1]), int(found[2]) % 24))
        return cls(tuple(spans), zone)

    async def wait(self, now: datetime) -> Wait | None:
        hour = now.astimezone(self.zone).hour
        if self._holds(hour):
            return None
        start = now.astimezone(self.zone).replace(minute=0, second=0, microsecond=0)
        until = next(
            start + timedelta(hours=step)
            for step in range(1, 26)
            if self._holds((start + timedelta(hours=step)).hour)
        )
        return Wait(f"cheap hours begin at {until:%H:%M}", until)

    def ahead(self, now: datetime) -> float:
        return 1.0

    def _holds(self, hour: int) -> bool:
        return any(
            first <= hour < last if first < last else hour >= first or hour < last
            for first, last in self.spans
        )


class PriceTable:
    """Hours whose price is at most `price_max`. ConfigurationError at the start when the table can't be read."""

    def __init__(self, file: Path, price_max: float, zone: ZoneInfo) -> None:
        self._file = file
        self._price_max = price_max
        self._zone = zone
        self._changed_at = 0.0
        self._rows: Sequence[tuple[datetime, float]] = ()
        try:
            self._read()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"the price table {file} can't be read: {error}",
                "Give a CSV file with the columns start and price",
            ) from None

    async def wait(self, now: datetime) -> Wait | None:
        await asyncio.to_thread(self._refresh)
        ends = [start for start, _ in self._rows[1:]] + [self._rows[-1][0] + LAST_ROW_HOLDS]
        current = next(
            (
                price
                for (start, price), end in zip(self._rows, ends, strict=True)
                if start <= now < end
            ),
            None,
        )
        if current is not None and current <= self._price_max:
            return None
        until = next(
            (start for start, price in self._rows if start > now and price <= self._price_max), None
        )
        why = (
            "the price table knows no price for now"
            if current is None
            else f"the price is {current:g}, above {self._price_max:g}"
        )
        return Wait(why, until)

    def ahead(self, now: datetime) -> float:
        return 1.0

    def _refresh(self) -> None:
        try:
            self._read()
        except (OSError, ValueError) as error:
            log.warning(
                "the price table %s can't be read, the older one stays in force: %s",
                self._file,
                error,
            )

    def _read(self) -> None:
        changed_at = self._file.stat().st_mtime
        if changed_at == self._changed_at:
            return
        with self._file.open(newline="") as lines:
            rows = [
                {name.strip().lower(): value for name, value in row.items() if name}
                for row in csv.DictReader(lines)
            ]
        if not rows or not {"start", "price"} <= set(rows[0]):
            raise ValueError("it has no rows with start and price")
        self._rows = sorted((self._time(row["start"]), float(row["price"])) for row in rows)
        self._changed_at = changed_at

    def _time(self, text: str) -> datetime:
        found = datetime.fromisoformat(text.strip())
        return found if found.tzinfo else found.replace(tzinfo=self._zone)
