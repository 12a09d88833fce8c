"""The loop that keeps the critic's experience up with what was judged, and with what people said of it."""

from __future__ import annotations

import logging

from nats.js import JetStreamContext
from pydantic import ValidationError

from daydream_critic.experience import Experience
from daydream_shared.following import Following
from daydream_shared.messages import ReviewRecorded
from daydream_shared.runtime import Runtime
from daydream_shared.streams import streamed
from daydream_shared.subjects import flow_of
from daydream_shared.waiting import TROUBLE, wait_s

log = logging.getLogger(__name__)
FOLLOW_S = 1.0


async def keep_up(following: Following[Experience], runtime: Runtime) -> None:
    """Learn, again and again."""
    while not runtime.stopping.is_set():
        try:
            await following.catch_up()
            await read_reviews(runtime.js, following.fold)
            await runtime.pause(FOLLOW_S)
        except TROUBLE as trouble:
            log.info("learning from verdicts waits: %r", trouble)
            await runtime.pause(wait_s(trouble))


async def read_reviews(js: JetStreamContext, experience: Experience) -> None:
    """Count what people said since. Their verdicts are counted already, because a person sees a verdict only after it was published."""
    stream = flow_of(ReviewRecorded).stream
    last = (await js.stream_info(stream)).state.last_seq
    async for sequence, message in streamed(js, stream, experience.reviewed, last, gaps=True):
        try:
            experience.review(sequence, ReviewRecorded.model_validate_json(message.data))
        except ValidationError:  # of a newer version; the memory, whose durable it is, deals with it
            experience.reviewed = sequence
