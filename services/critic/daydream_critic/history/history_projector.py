"""Keep the critic's history up to date with verdicts and reviews, and raise alerts about drift."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime

from pydantic import ValidationError

from daydream_contracts.events import AlertRaised, ReviewRecorded, derive_id
from daydream_contracts.topology import route_of
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.history.report import RECENT_CANARIES, drift_of
from daydream_runtime.loop_errors import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.runtime_context import Runtime
from daydream_runtime.stream_reader import read_stream
from daydream_runtime.verdict_projection import Projector

log = logging.getLogger(__name__)
FOLLOW_S = 1.0


@dataclass
class HistoryProjector:
    """Follows the VERDICTS and REVIEWS streams in a loop."""

    projector: Projector[CriticHistory]
    runtime: Runtime
    _reported: set[str] = field(default_factory=set)

    async def keep_up(self) -> None:
        """Catch up every `FOLLOW_S` seconds until the service stops."""
        while not self.runtime.stopping.is_set():
            try:
                await self.catch_up()
                await self._raise_drift_alert()
                await self.runtime.pause(FOLLOW_S)
            except TRANSIENT_ERRORS as error:
                log.info("can't follow verdicts now, will retry: %r", error)
                await self.runtime.pause(retry_delay_s(error))

    async def catch_up(self) -> None:
        """Read the verdicts and reviews that were added since."""
        await self.projector.catch_up()
        await self._read_reviews()

    async def _read_reviews(self) -> None:
        """Count new reviews. Their verdicts are counted already: a review follows its verdict."""
        history, js = self.projector.projection, self.runtime.js
        stream = route_of(ReviewRecorded).stream
        last = (await js.stream_info(stream)).state.last_seq
        reviews = read_stream(js, stream, history.reviews_sequence, last, gaps=True)
        async for sequence, message in reviews:
            try:
                history.review(sequence, ReviewRecorded.model_validate_json(message.data))
            except ValidationError:
                # A newer version wrote it. The memory service owns the durable and reports it.
                history.reviews_sequence = sequence

    async def _raise_drift_alert(self) -> None:
        """Raise an alert for each drift, once per `RECENT_CANARIES` canaries.

        All replicas derive the same id, so the alert is stored once.
        """
        period = self.projector.projection.canaries_judged // RECENT_CANARIES
        for text in drift_of(self.projector.projection):
            alert_id = derive_id("canary-drift", text.partition(":")[0], period)
            if alert_id in self._reported:
                continue
            await self.runtime.publish(
                AlertRaised(
                    alert_id=alert_id,
                    kind="canary-drift",
                    about="critic",
                    text=text,
                    raised_at=datetime.now(UTC),
                )
            )
            log.warning("%s", text)
            self._reported.add(alert_id)
