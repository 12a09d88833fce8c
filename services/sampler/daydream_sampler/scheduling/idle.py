"""Draw while the lab's inference servers are idle, as a mind wanders only when it is not working.

States: busy → (load at most `idle_at` for `idle_after_s`) → idle → (load above `busy_at`, or a
server that does not answer) → busy. The load is the sum of running and waiting requests, as the
servers' own `/metrics` say. daydream's own calls there are among them, so `busy_at` must be above
what all its workers do at a time. Between `idle_at` and `busy_at` nothing changes, so it does not
flap. After a busy spell `catch_up` times as many pairs may be in progress, for as long as the spell
was and at most an hour.
"""

from __future__ import annotations

import asyncio
import logging
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client.parser import text_string_to_metric_families

from daydream_sampler.scheduling.interface import Wait

log = logging.getLogger(__name__)
TIMEOUT_S = 2.0
METRICS_BYTES_MAX = 16 << 20
CATCH_UP_MAX = timedelta(hours=1)
VLLM = ("vllm:num_requests_running", "vllm:num_requests_waiting")


@dataclass(frozen=True)
class IdleThresholds:
    """Requests at a time over all servers, seconds, and the factor of pairs after a busy spell."""

    idle_at: float
    busy_at: float
    idle_after_s: float
    poll_s: float
    catch_up: float


class Idle:
    """Watch the load of servers. `load` reads it, or raises OSError or ValueError."""

    def __init__(self, load: Callable[[], float], thresholds: IdleThresholds) -> None:
        self._load = load
        self._at = thresholds
        self._busy_since: datetime | None = None
        self._calm_since: datetime | None = None
        self._looked_at: datetime | None = None
        self._catch_up_until: datetime | None = None
        self._text = "the load of the servers is not known yet"
        self._idle = False

    async def wait(self, now: datetime) -> Wait | None:
        if self._looked_at is None or now - self._looked_at >= timedelta(seconds=self._at.poll_s):
            self._looked_at = now
            await self._look(now)
        return None if self._idle else Wait(self._text)

    def ahead(self, now: datetime) -> float:
        is_catching_up = self._catch_up_until is not None and now < self._catch_up_until
        return self._at.catch_up if is_catching_up else 1.0

    async def _look(self, now: datetime) -> None:
        try:
            load = await asyncio.to_thread(self._load)
        except (OSError, ValueError) as error:  # unknown load: assume that the servers are busy
            self._set_busy(now, f"the load of the servers can't be read: {error}")
            return
        requests = f"{load:g} requests, more than"
        if load > self._at.busy_at:
            self._set_busy(now, f"the servers are busy: {requests} {self._at.busy_at:g}")
        elif load > self._at.idle_at:
            self._calm_since = None
            self._text = f"the servers are not idle yet: {requests} {self._at.idle_at:g}"
        else:
            self._set_calm(now)

    def _set_busy(self, now: datetime, text: str) -> None:
        if self._idle or self._busy_since is None:
            self._busy_since = now
        self._idle, self._calm_since, self._text = False, None, text

    def _set_calm(self, now: datetime) -> None:
        self._calm_since = self._calm_since or now
        calm_s, after_s = (now - self._calm_since).total_seconds(), self._at.idle_after_s
        self._text = f"the servers have been idle for {calm_s:.0f} s of {after_s:g}"
        if not self._idle and calm_s >= after_s:
            self._idle = True
            if self._busy_since is not None:
                self._catch_up_until = now + min(now - self._busy_since, CATCH_UP_MAX)
            self._busy_since = None


def load_of(urls: Sequence[str], names: Sequence[str]) -> float:
    """Return the sum of these metrics over all servers.

    Raise OSError when a server does not answer, ValueError when it has none of the metrics.
    """
    total = 0.0
    for url in urls:
        # the operator's own address; a setting checks its scheme
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:  # noqa: S310
            text = response.read(METRICS_BYTES_MAX).decode(errors="replace")
        samples = [
            sample
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in names
        ]
        if not samples:
            raise ValueError(f"{url} has none of the metrics {', '.join(names)}")
        total += sum(sample.value for sample in samples)
    return total
