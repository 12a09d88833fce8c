"""Keep the critic's history up to date with verdicts, reviews and outcomes; report drift."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal, TypeVar

from pydantic import ValidationError

from daydream_contracts.events import (
    AlertRaised,
    Message,
    OutcomeRecorded,
    ReviewRecorded,
    derive_id,
)
from daydream_contracts.topology import route_of
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.report import RECENT_CANARIES, drift_of
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.stream_reader import StreamReader
from daydream_runtime.verdict_projection import Projector

log = logging.getLogger(__name__)
MessageT = TypeVar("MessageT", bound=Message)
FOLLOW_S = 1.0
WARNINGS_S = 10.0  # they take some milliseconds to compute


@dataclass
class HistoryProjector:
    """Follows the streams VERDICTS, REVIEWS and OUTCOMES in a loop."""

    projector: Projector[CriticHistory]
    runtime: Runtime
    warnings: Callable[[], Sequence[str]] = tuple
    _reported: set[str] = field(default_factory=set)
    _warned: set[str] = field(default_factory=set)
    _readers: dict[str, StreamReader] = field(default_factory=dict)
    _look_again_at: float = 0.0

    async def keep_up(self) -> None:
        """Catch up every `FOLLOW_S` seconds until the service stops."""
        while not self.runtime.stopping.is_set():
            try:
                await self.catch_up()
                await self._raise_drift_alert()
                await self._raise_warnings()
                await self.runtime.pause(FOLLOW_S)
            except TRANSIENT_ERRORS as error:
                log.info("can't follow verdicts now, will retry: %r", error)
                await self.runtime.pause(retry_delay_s(error))

    async def catch_up(self) -> None:
        """Read the verdicts, reviews and outcomes that were added since."""
        await self.projector.catch_up()
        await self._read_reviews()
        await self._read_outcomes()

    async def _read_reviews(self) -> None:
        """Count new reviews. Their verdicts are counted already: a review follows its verdict."""
        history = self.projector.projection
        async for sequence, review in self._added(ReviewRecorded, history.reviews_sequence):
            if review is not None:
                history.review(sequence, review)
            history.reviews_sequence = sequence

    async def _read_outcomes(self) -> None:
        """Count new outcomes of tests. Like reviews, they follow their verdicts."""
        history = self.projector.projection
        async for sequence, outcome in self._added(OutcomeRecorded, history.outcomes_sequence):
            if outcome is not None:
                history.count_outcome(sequence, outcome)
            history.outcomes_sequence = sequence

    async def _added(
        self, kind: type[MessageT], after: int
    ) -> AsyncIterator[tuple[int, MessageT | None]]:
        """Yield (sequence, message) of what came after a sequence.

        The message is None if a newer version wrote it: this one has no use for what it does not
        know, and the memory service reports what it can't read.
        """
        stream = route_of(kind).stream
        reader = self._readers.setdefault(stream, StreamReader(self.runtime.js, stream))
        async for sequence, message in reader.read(after):
            try:
                yield sequence, kind.model_validate_json(message.data)
            except ValidationError:
                yield sequence, None

    async def _raise_drift_alert(self) -> None:
        """Raise an alert for each drift, once per `RECENT_CANARIES` canaries.

        All replicas derive the same id, so the alert is stored once.
        """
        period = self.projector.projection.canaries_judged // RECENT_CANARIES
        for text in drift_of(self.projector.projection):
            alert_id = derive_id("canary-drift", text.partition(":")[0], period)
            await self._raise_once(alert_id, "canary-drift", text)

    async def _raise_warnings(self) -> None:
        """Raise an alert for each thing that people must know of the judges, when it begins.

        The id names the hour in which it began, so all replicas raise one alert, and one that has
        ended can be raised again. After a restart, what still holds is said again.
        """
        now = time.monotonic()
        if now < self._look_again_at:
            return
        self._look_again_at = now + WARNINGS_S
        texts = {text.partition(":")[0]: text for text in self.warnings()}
        hour = f"{datetime.now(UTC):%Y-%m-%dT%H}"
        for subject in texts.keys() - self._warned:
            await self._raise_once(derive_id("judges", subject, hour), "judges", texts[subject])
        self._warned = set(texts)

    async def _raise_once(
        self, alert_id: str, kind: Literal["canary-drift", "judges"], text: str
    ) -> None:
        if alert_id in self._reported:
            return
        await self.runtime.publish(
            AlertRaised(
                alert_id=alert_id,
                kind=kind,
                about="critic",
                text=text,
                raised_at=datetime.now(UTC),
            )
        )
        log.warning("%s", text)
        self._reported.add(alert_id)
