"""The priced endpoint as a model of known rates: it knows the links of a corpus.

It states the link of a bridge in a share RECALL of the pairs, by both writers' prompts. Its judges
give links, and canaries that hold, high scores. Others get what the essay's prompt is known for, 7
or more for most, and low scores by ours. It compares statements without error. One side of a bridge
yields nothing.
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

from daydream_console.bench.corpus import load_corpus
from support import endpoint

CORPUS_VARIABLE = "BENCH_ENDPOINT_CORPUS"
RECALL = 0.8
NOTHING = "Both speak of things that change over time."


def answer_for(request: dict[str, Any]) -> str:
    """Return the answer to a request, which depends on its words alone."""
    text = "\n".join(message["content"] for message in request["messages"])
    chance = random.Random(hashlib.sha256(text.encode()).digest())
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema") or {}
    fields = schema.get("properties", {})
    data = [content for _, content in endpoint.FENCE.findall(text)]
    if "same" in fields:
        same = data[0] in data[1] or data[1] in LABELLED_SAME
        return json.dumps({"reason": "So.", "same": "yes" if same else "no"})
    if "novelty" in fields:
        score = 9 if _links_in(data[0]) else chance.randint(2, 6)
        names = ("novelty", "coherence", "usefulness")
        return json.dumps({"justification": "It says so.", **dict.fromkeys(names, score)})
    if "verdict" in fields:
        verdict = "holds" if _links_in(data[0]) else "refuted"
        return json.dumps({"case": "It may be chance.", "same_as": 0, "verdict": verdict})
    if "link" in fields:
        return _structured(data, chance)
    if fields:
        return endpoint_answer(request)
    return _prose(text, data, chance)


def _structured(data: list[str], chance: random.Random) -> str:
    link = _link_between(data, chance)
    if not link:
        return json.dumps(
            {
                "reasoning": "Nothing deep.",
                "link": "none",
                **dict.fromkeys(("title", "hypothesis", "implication", "if_false"), ""),
            }
        )
    return json.dumps(
        {
            "reasoning": f"Both notes together say it. {link}",
            "link": "combination",
            "title": link[:40],
            "hypothesis": link,
            "implication": f"One can measure whether this holds for {link[:80]}",
            "if_false": "Nothing changes.",
        }
    )


def _prose(text: str, data: list[str], chance: random.Random) -> str:
    if "discerning critic" in text:
        score = 9 if _links_in(data[0]) else chance.choice([5, 7, 7, 8])
        return f"Novelty: {score}/10\nCoherence: {score}/10\nUsefulness: {score}/10\n\nFine."
    if "creative synthesizer" in text:
        finding = _link_between(data, chance) or f"{NOTHING} {data[0]} {data[1]}"
        return f"1. An analogy? Perhaps.\n\n2. A metaphor? Hardly.\n\n{finding}"
    return NOTHING


def _link_between(data: list[str], chance: random.Random) -> str:
    pair = {part.strip() for part in data[:2]}
    for bridge in CORPUS.bridges:
        if pair == {bridge.first.text, bridge.second.text} and chance.random() < RECALL:
            return bridge.link
    return ""


def _links_in(text: str) -> bool:
    return any(link in text for link in LINKS)


def _canary_links() -> list[str]:
    text = (files("daydream_models") / "canaries" / "bridges.toml").read_text("utf-8")
    return [canary["hypothesis"] for canary in tomllib.loads(text)["canary"]]


endpoint_answer = endpoint.answer_for
CORPUS = load_corpus(Path(os.environ[CORPUS_VARIABLE]) if CORPUS_VARIABLE in os.environ else None)
LINKS = [*(bridge.link for bridge in CORPUS.bridges), *_canary_links()]
LABELLED_SAME = {row.hypothesis for row in CORPUS.matches if row.same}

if __name__ == "__main__":
    endpoint.answer_for = answer_for
    endpoint.main()
