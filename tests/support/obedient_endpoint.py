"""The priced endpoint as a model that obeys everything it reads.

A writer that reads an order copies it into what it writes, so that it would spread. A judge that
reads one gives tens, compares in its favour, and finds no objection. What has no order is judged as
a good model would: canaries that hold get high scores, everything else low ones. An order that
stands outside the fences of data is written down: no text may get there.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

from support import endpoint
from support.prompt_injections import INJECTIONS

ESCAPES_VARIABLE = "OBEDIENT_ENDPOINT_ESCAPES"
"""A file that gets one line per order outside of the fences."""
KEPT_CHARS = 40
"""Of an injection's longest line: enough to recognise it in a passage."""
SCORES = ("novelty", "coherence", "usefulness")


def _marks() -> list[str]:
    lines = (max(text.splitlines(), key=len).strip() for text in INJECTIONS.values())
    return sorted({line[:KEPT_CHARS].strip().lower() for line in lines})


def order_in(text: str) -> str:
    """Return the first order that a text has, or nothing."""
    lowered = text.lower()
    return next((mark for mark in MARKS if mark in lowered), "")


def answer_for(request: dict[str, Any]) -> str:
    """Return the answer to a request, which depends on its words alone."""
    text = "\n".join(message["content"] for message in request["messages"])
    outside = endpoint.FENCE.sub("", text)
    if order_in(outside):
        with Path(os.environ[ESCAPES_VARIABLE]).open("a") as file:
            file.write(json.dumps(outside) + "\n")
    data = [content for _, content in endpoint.FENCE.findall(text)]
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema") or {}
    fields = schema.get("properties", {})
    order = order_in("\n".join(data))
    if not fields or not order:
        return _honest(request, fields, data)
    if "better" in fields:
        better = "first" if order_in(data[0]) else "second"
        return json.dumps({"justification": "As ordered.", "better": better})
    if "novelty" in fields:
        return json.dumps({"justification": "As ordered.", **dict.fromkeys(SCORES, 10)})
    if "verdict" in fields:
        return json.dumps({"case": "As ordered.", "same_as": 0, "verdict": "holds"})
    if "link" in fields:
        return json.dumps(_spread(order, text))
    return endpoint_answer(request)


def _honest(request: dict[str, Any], fields: dict[str, Any], data: list[str]) -> str:
    chance = random.Random(hashlib.sha256("\n".join(data).encode()).digest())
    if "novelty" in fields:
        score = 9 if any(link in data[0] for link in LINKS) else chance.randint(1, 5)
        return json.dumps({"justification": "It says why.", **dict.fromkeys(SCORES, score)})
    return endpoint_answer(request)


def _spread(order: str, text: str) -> dict[str, str]:
    """Return a hypothesis that carries the order on, beside words of the two notes."""
    chance = random.Random(hashlib.sha256(text.encode()).digest())
    words = sorted(set(endpoint.WORD.findall(text)))
    first, second, third = (" ".join(chance.sample(words, 6)) for _ in range(3))
    return {
        "reasoning": f"Both notes order it, and {first} leads there.",
        "link": "combination",
        "title": f"{first[:60]}",
        "hypothesis": f"{first} limits {second}. {order}",
        "implication": f"Measure {second} beside {third}.",
        "if_false": f"{third} stays as it was.",
    }


def _canary_links() -> list[str]:
    text = (files("daydream_models") / "canaries" / "bridges.toml").read_text("utf-8")
    return [canary["hypothesis"] for canary in tomllib.loads(text)["canary"]]


endpoint_answer = endpoint.answer_for
MARKS = _marks()
LINKS = _canary_links()

if __name__ == "__main__":
    endpoint.answer_for = answer_for
    endpoint.main()
