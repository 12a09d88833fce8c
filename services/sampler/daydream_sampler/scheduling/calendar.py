"""Draw in cheap hours: the same ones every day, or those of a price table.

A table is CSV with a header and two columns: `start` (a time; without an offset it is in the given
zone) and `price` (a number in any unit). A price holds until the next row's start, the last one for
an hour. The file may be replaced at any time, as a provider's day-ahead prices are. It is read
again when it has changed. The previous table stays in force while the new one can't be read.
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


@dataclass(frozen=True)
class Hours:
    """Spans of hours of the day, [from, to). A span that ends before it begins passes midnight."""

    spans: tuple[tuple[int, int], ...]
    zone: ZoneInfo

    @classmethod
    def parse(cls, texts: Sequence[str], zone: ZoneInfo) -> Hours:
        """Parse spans like "22-6". Raise ValueError, which says what is wrong."""
        spans = []
        for text in texts:
            match = SPAN.match(text)
            first, last = (int(hour) for hour in match.groups()) if match else (0, 0)
            if first == last or max(first, last) > 24:
                raise ValueError(f"{text!r} is no span of hours; write spans like 22-6")
            spans.append((first, last % 24))
        return cls(tuple(spans), zone)

    async def wait(self, now: datetime) -> Wait | None:
        start = now.astimezone(self.zone).replace(minute=0, second=0, microsecond=0)
        if self._is_cheap(start.hour):
            return None
        hours = (start + timedelta(hours=step) for step in range(1, 26))
        until = next(hour for hour in hours if self._is_cheap(hour.hour))
        return Wait(f"cheap hours begin at {until:%H:%M}", until)

    def ahead(self, now: datetime) -> float:
        return 1.0

    def _is_cheap(self, hour: int) -> bool:
        return any(
            first <= hour < last if first < last else hour >= first or hour < last
            for first, last in self.spans
        )


class PriceTable:
    """Hours whose price is at most `price_max`.

    Raise ConfigurationError when the table can't be read at the start.
    """

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
        price = self._price_at(now)
        if price is None:
            return Wait("the price table has no price for now", self._cheap_after(now))
        if price > self._price_max:
            text = f"the price is {price:g}, above {self._price_max:g}"
            return Wait(text, self._cheap_after(now))
        return None

    def ahead(self, now: datetime) -> float:
        return 1.0

    def _price_at(self, now: datetime) -> float | None:
        ends = [start for start, _ in self._rows[1:]] + [self._rows[-1][0] + LAST_ROW_HOLDS]
        for (start, price), end in zip(self._rows, ends, strict=True):
            if start <= now < end:
                return price
        return None

    def _cheap_after(self, now: datetime) -> datetime | None:
        later = (start for start, price in self._rows if start > now and price <= self._price_max)
        return next(later, None)

    def _refresh(self) -> None:
        try:
            self._read()
        except (OSError, ValueError) as error:
            text = "the price table %s can't be read, the previous one stays in force: %s"
            log.warning(text, self._file, error)

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
        time = datetime.fromisoformat(text.strip())
        return time if time.tzinfo else time.replace(tzinfo=self._zone)
