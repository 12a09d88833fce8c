"""Publish a message that no further delivery can help, with its bytes and headers, for a person."""

from __future__ import annotations

from nats.aio.msg import Msg
from nats.js import JetStreamContext

from daydream_contracts.dead_letters import dead_letter_subject
from daydream_runtime.disposition import Reject
from daydream_runtime.telemetry import trace_headers

DEAD_LETTER_TIMEOUT_S = 5.0
NOT_COPIED = ("Nats-Msg-Id", "Nats-Expected-Stream", "Nats-Expected-Last-Subject-Sequence")


async def publish_dead_letter(js: JetStreamContext, raw: Msg, reject: Reject) -> None:
    """Publish the raw bytes, since decoding may be what failed. A repeated call stores one copy.

    Raise the error of NATS if the stream does not confirm within `DEAD_LETTER_TIMEOUT_S`.
    """
    where = raw.metadata
    original = (raw.headers or {}).get("Nats-Msg-Id") or str(where.sequence.stream)
    copied = {key: text for key, text in (raw.headers or {}).items() if key not in NOT_COPIED}
    headers = copied | trace_headers()
    headers |= {
        "Nats-Msg-Id": f"{where.stream}:{where.consumer}:{original}:dead",
        "Daydream-Reason": reject.reason,
        "Daydream-Error": " ".join(reject.text.split()),
        "Daydream-Subject": raw.subject,
        "Daydream-Consumer": str(where.consumer),
        "Daydream-Deliveries": str(where.num_delivered),
    }
    subject = dead_letter_subject(str(where.stream))
    await js.publish(subject, raw.data, headers=headers, timeout=DEAD_LETTER_TIMEOUT_S)
