"""Named calls of a stage, as it makes them: with a reservation, and again until they are answered.

Between two requests of a call pass the seconds that the refusal names, as when the delivery
middleware redelivers its message.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import uuid4

import openai

from daydream_contracts.gateway_http import CALL_HEADER, RESERVATION_HEADER

PROMPT = "What do a river delta and a market for used books have in common? " * 30
OUTPUT_TOKENS_MAX = 400
RETRY_S = 1.0  # after a failed attempt, which names no time
_numbers = count()


def request(model: str) -> dict[str, Any]:
    """Return the body of a new question of about 2,000 characters."""
    text = f"{next(_numbers)}: {PROMPT}"
    messages = [{"role": "user", "content": text}]
    return {"model": model, "messages": messages, "max_completion_tokens": OUTPUT_TOKENS_MAX}


def headers(reservation_id: str) -> dict[str, str]:
    """Return the headers of a new named call."""
    return {CALL_HEADER: uuid4().hex, RESERVATION_HEADER: reservation_id}


@dataclass
class NamedCalls:
    """Makes calls, and counts how their requests ended: by disposition."""

    client: openai.AsyncOpenAI
    ended: Counter[str] = field(default_factory=Counter)

    async def until_answered(
        self, model: str, reservation_id: str, deadline_s: float = float("inf")
    ) -> bool:
        """Repeat a new call until it is answered. Return False if it never will be, or is late.

        `deadline_s` is a time of the monotonic clock.
        """
        body, own = request(model), headers(reservation_id)
        while time.monotonic() < deadline_s:
            try:
                await self.client.chat.completions.create(**body, extra_headers=own)
            except openai.APIStatusError as refused:
                error = refused.body if isinstance(refused.body, dict) else {}
                disposition = str(error.get("disposition"))
                self.ended[disposition] += 1
                if disposition == "reject":
                    return False
                await asyncio.sleep(float(error.get("retry_after_s") or RETRY_S))
            else:
                self.ended["answer"] += 1
                return True
        return False
