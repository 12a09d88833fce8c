"""Keeps the critic's experience up with what was judged and with what people said of it, and tells of drift."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

from pydantic import ValidationError

from daydream_contracts.events import AlertRaised, ReviewRecorded, derive_id
from daydream_contracts.topology import route_of
from daydream_critic.history.projection import CriticHistory
from daydream_critic.history.report import RECENT, drift
from daydream_runtime.background import TRANSIENT_ERRORS, retry_delay_s
from daydream_runtime.projection import Projector
from daydream_runtime.service import Runtime
from daydream_runtime.stream_reader import read_stream

log = logging.getLogger(__name__)
FOLLOW_S = 1.0


class HistoryProjector:
    """The loop."""

    def __init__(self, following: Projector[CriticHistory], runtime: Runtime) -> None:
        self._following = following
        self._runtime = runtime
        self._told: set[str] = set()

    async def keep_up(self) -> None:
        """Learn, again and again, until the stop."""
        while not self._runtime.stopping.is_set():
            try:
                await self.catch_up()
                await self._tell_of_drift()
                await self._runtime.pause(FOLLOW_S)
            except TRANSIENT_ERRORS as trouble:
                log.info("learning from verdicts waits: %r", trouble)
                await self._runtime.pause(retry_delay_s(trouble))

    async def catch_up(self) -> None:
        """Learn what came since."""
        await self._following.catch_up()
        await self._read_reviews()

    async def _read_reviews(self) -> None:
        """Count what people said since. Their verdicts are counted already, because a person sees a verdict only after it was published."""
        experience, js, stream = (
            self._following.fold,
            self._runtime.js,
            route_of(ReviewRecorded).stream,
        )
        last = (await js.stream_info(stream)).state.last_seq
        async for sequence, message in read_stream(
            js, stream, experience.reviewed, last, gaps=True
        ):
            try:
                experience.review(sequence, ReviewRecorded.model_validate_json(message.data))
            except (
                ValidationError
            ):  # of a newer version; the memory, whose durable it is, deals with it
                experience.reviewed = sequence

    async def _tell_of_drift(self) -> None:
        """Raise an alert for what is no longer as it was: once for every so many planted hypotheses, under an id that all replicas derive alike."""
        for text in drift(self._following.fold):
            alert_id = derive_id(
                "canary-drift", text.partition(":")[0], self._following.fold.planted // RECENT
            )
            if alert_id not in self._told:
                await self._runtime.publish(
                    AlertRaised(
                        alert_id=alert_id,
                        kind="canary-drift",
                        about="critic",
                        text=text,
                        raised_at=datetime.now(UTC),
                    )
                )
                log.warning("%s", text)
                self._told.add(alert_id)
