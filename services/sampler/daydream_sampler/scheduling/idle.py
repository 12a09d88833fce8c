"""While the lab's inference servers have room, as a mind wanders only when it is not working.

States: busy → (load at most `idle_at` for `idle_after_s`) → idle → (load above `busy_at`, or a server that doesn't answer) → busy. The load is the sum of
requests that run and wait, as the servers' own `/metrics` say; the calls that daydream makes there are among them, so `busy_at` must be above what all
its workers do at a time. Between `idle_at` and `busy_at` nothing changes, so it does not flap. After a busy spell it may be ahead by `catch_up` for as
long as the spell was, at most an hour.
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
    """Requests at a time over all servers, and seconds."""

    idle_at: float
    busy_at: float
    idle_after_s: float
    poll_s: float
    catch_up: float


class Idle:
    """Watches the metrics of servers. `load`: reads it; raises OSError or ValueError when it can't."""

    def __init__(self, load: Callable[[], float], thresholds: IdleThresholds) -> None:
        self._load = load
        self._at = thresholds
        self._busy_since: datetime | None = None
        self._calm_since: datetime | None = None
        self._looked_at: datetime | None = None
        self._catch_up_until: datetime | None = None
        self._text = "nothing is known of the servers yet"
        self._idle = False

    async def wait(self, now: datetime) -> Wait | None:
        if self._looked_at is None or now - self._looked_at >= timedelta(seconds=self._at.poll_s):
            self._looked_at = now
            await self._look(now)
        return None if self._idle else Wait(self._text)

    def ahead(self, now: datetime) -> float:
        return (
            self._at.catch_up
            if self._catch_up_until is not None and now < self._catch_up_until
            else 1.0
        )

    async def _look(self, now: datetime) -> None:
        try:
            load = await asyncio.to_thread(self._load)
        except (OSError, ValueError) as error:  # nobody knows: then it is not ours to take
            self._busy(now, f"the servers can't be asked whether they have room: {error}")
            return
        if load > self._at.busy_at:
            self._busy(
                now, f"the servers are busy: {load:g} requests, more than {self._at.busy_at:g}"
            )
        elif load > self._at.idle_at:
            self._calm_since = None
            self._text = (
                f"the servers are not idle yet: {load:g} requests, more than {self._at.idle_at:g}"
            )
        else:
            self._calm(now)

    def _busy(self, now: datetime, text: str) -> None:
        if self._idle or self._busy_since is None:
            self._busy_since = now
        self._idle, self._calm_since, self._text = False, None, text

    def _calm(self, now: datetime) -> None:
        self._calm_since = self._calm_since or now
        self._text = f"the servers have been idle for {(now - self._calm_since).total_seconds():.0f} s of {self._at.idle_after_s:g}"
        if not self._idle and now - self._calm_since >= timedelta(seconds=self._at.idle_after_s):
            self._idle = True
            if self._busy_since is not None:
                self._catch_up_until = now + min(now - self._busy_since, CATCH_UP_MAX)
            self._busy_since = None


def load_of(urls: Sequence[str], names: Sequence[str]) -> float:
    """The sum of these metrics over all servers. OSError when one does not answer, ValueError when none of the names is there."""
    total = 0.0
    for url in urls:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 (the operator's own address; a setting checks its scheme)
            text = answer.read(METRICS_BYTES_MAX).decode(errors="replace")
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
