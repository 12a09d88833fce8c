"""A priced, OpenAI-compatible endpoint with its own accounts: the witness of real calls and costs.

It runs as its own process (`python -m support.endpoint --port …` in `tests`), so that nothing in
the system under test can change it. Each call is two lines of its log: one when it arrives, one
when its answer was sent. Answers depend only on the prompt. `POST /misbehave` changes how it
answers from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from support.batch_endpoint import Batches

INPUT_NANOUSD, OUTPUT_NANOUSD = 150, 600  # per token: $0.15 and $0.60 a million
DIMENSIONS = 48  # of embeddings, unless asked for another number
FENCE = re.compile(r"<<data (\w+)>>\n(.*?)\n<<end \1>>", re.DOTALL)
LETTER = re.compile(r"^([A-T])\.$", re.MULTILINE)  # of the pairs that are to be ranked
SPARE_WORDS = ("river", "market", "signal", "border", "season", "balance", "reserve")
WORD = re.compile(r"[a-z]{5,}", re.IGNORECASE)


def completion(request: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return an answer and its cost, for a batch."""
    text = answer_for(request)
    prompt = sum(len(message["content"].encode()) for message in request["messages"]) // 4 + 8
    usage = {
        "prompt_tokens": prompt,
        "completion_tokens": len(text) // 4 + 1,
        "total_tokens": prompt + len(text) // 4 + 1,
    }
    message = {"role": "assistant", "content": text}
    body = {
        "id": "b-" + hashlib.sha256(json.dumps(request).encode()).hexdigest()[:12],
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": usage,
    }
    return body, usage["prompt_tokens"] * INPUT_NANOUSD + usage[
        "completion_tokens"
    ] * OUTPUT_NANOUSD


class EndpointAccounts:
    """The calls so far, and what they cost."""

    def __init__(self, log: str) -> None:
        self.lock = threading.Lock()
        self.file = open(log, "a", encoding="utf-8")  # noqa: SIM115 (for the life of the process)
        self.totals = {"calls": 0, "answered": 0, "cost_nanousd": 0, "refused": 0}
        self.behaviour: dict[str, Any] = {}
        self.asked: dict[str, Any] = {}  # the last request by the name of its schema
        self.delay_s = 0.0
        self.batches = Batches(completion, self.add_batched)

    def add_batched(self, key: str, cost: int, answer_id: str) -> None:
        """Count a call in a batch."""
        with self.lock:
            self.totals["batched"] = self.totals.get("batched", 0) + 1
            self.totals["cost_nanousd"] += cost
        self.write(event="batched", key=key, cost=cost, id=answer_id)

    def write(self, **line: Any) -> None:
        """Write a line of the log."""
        with self.lock:
            self.file.write(json.dumps({"at": time.time(), **line}) + "\n")
            self.file.flush()


def answer_for(request: dict[str, Any]) -> str:
    """Return an answer that follows the schema, made from the prompt alone."""
    text = "\n".join(message["content"] for message in request["messages"])
    chance = random.Random(hashlib.sha256(text.encode()).digest())
    schema = request.get("response_format", {}).get("json_schema", {}).get("schema") or {}
    data = [content for _, content in FENCE.findall(text)]
    if "The letter of the best pair:" in text:
        return str(chance.choice(LETTER.findall(data[0])))
    if "better" in schema.get("properties", {}):
        return json.dumps(
            {"justification": "It goes further.", "better": chance.choice(["first", "second"])}
        )
    if "hypotheses" in schema.get("properties", {}):
        words = sorted({*WORD.findall(data[0]), *SPARE_WORDS})
        return json.dumps(
            {
                "hypotheses": [
                    f"{chance.choice(words).title()} goes with {chance.choice(words)}."
                    for _ in range(2)
                ]
            }
        )
    if "verdict" in schema.get("properties", {}):
        same = chance.choice([0, 0, 0, 1])
        return json.dumps(
            {
                "case": "It may be a matter of scale.",
                "same_as": same,
                "verdict": chance.choice(["holds", "refuted"]),
            }
        )
    if "novelty" in schema.get("properties", {}):
        scores = {name: chance.randint(5, 10) for name in ("novelty", "coherence", "usefulness")}
        return json.dumps({"justification": "It names a mechanism and a way to test it.", **scores})
    parts = [*data, "", ""][:2]
    first, second = (
        sorted(
            {*WORD.findall(part), *SPARE_WORDS},
            key=lambda word: (word in SPARE_WORDS, chance.random()),
        )[:7]
        for part in parts
    )
    return json.dumps(
        {
            "reasoning": f"Both rest on {first[0]} and {second[0]}, seen from two sides.",
            "link": chance.choice(["analogy", "same-problem", "combination"]),
            "title": f"{first[0].title()} meets {second[0].lower()}",
            "hypothesis": f"Wherever {' '.join(first[1:4])} is scarce, "
            f"{' '.join(second[1:4])} should grow, because {first[4]} limits {second[4]} "
            "in the same way.",
            "implication": f"Measure {first[5]} before and after {second[5]} changes, and "
            f"compare it with a control that has no {first[6]}.",
            "if_false": f"{first[5].title()} stays as it was whatever {second[5]} does.",
        }
    )


class FakeLatency(NamedTuple):
    """How long a call takes: log-normal, by its key.

    `spread`: the standard deviation of the logarithm; 0: all take the mean.
    """

    mean_s: float
    spread: float
    key: str

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        deviation = self.spread * random.Random(self.key).gauss(0, 1)
        return self.mean_s * math.exp(deviation - self.spread**2 / 2)


def letter_logprobs(letter: str) -> dict[str, Any]:
    """Return the token probabilities of a letter as the answer: half of it, and less of others."""
    others = [name for name in "ABCDEFGHIJKLMNOPQRST" if name != letter]
    tops = [{"token": name, "logprob": -2.0 - at, "bytes": None} for at, name in enumerate(others)]
    own = {"token": letter, "logprob": -0.7, "bytes": None}
    return {"content": [{**own, "top_logprobs": [own, *tops]}]}


def words_as_vector(text: str, length: int) -> list[float]:
    """Return a vector, not of length 1: the caller has to scale it."""
    vector = [0.0] * length
    for word in text.lower().split():
        chance = random.Random(word)
        vector = [value + chance.gauss(0, 1) for value in vector]
    return vector


class EndpointHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    accounts: EndpointAccounts

    def log_message(self, *_: object) -> None:
        """Log nothing."""

    def do_GET(self) -> None:
        path, behaviour = self.path.split("?")[0], self.accounts.behaviour.get("batch") or {}
        if path.endswith("/content"):
            self.text(self.accounts.batches.files[path.split("/")[-2]])
        elif path.endswith("/batches") and self.accounts.behaviour.get("no_batches"):
            self.reply(404, {"error": {"message": "not found"}})
        elif path.endswith("/batches"):
            self.reply(
                200,
                {
                    "object": "list",
                    "data": list(self.accounts.batches.batches.values()),
                    "has_more": False,
                },
            )
        elif "/batches/" in path:
            batch = self.accounts.batches.look(path.split("/")[-1], behaviour)
            self.reply(200 if batch else 404, batch or {"error": {"message": "no such batch"}})
        elif self.path == "/witness":
            self.reply(200, self.accounts.totals)
        elif self.path == "/asked":
            self.reply(200, self.accounts.asked)
        elif self.headers.get("authorization") == "Bearer wrong":
            self.reply(401, {"error": {"message": "Incorrect API key provided"}})
        else:
            self.reply(
                200,
                {
                    "object": "list",
                    "data": [{"id": f"priced-{number}", "object": "model"} for number in (1, 2)],
                },
            )

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        if self.path.endswith("/files"):
            return self.reply(200, self.accounts.batches.upload(data))
        body = json.loads(data or b"{}")
        if self.path.endswith("/batches"):
            behaviour = self.accounts.behaviour.get("batch") or {}
            if "refuse_create" in behaviour:
                status, message = behaviour["refuse_create"]
                return self.reply(status, {"error": {"message": message}})
            made = self.accounts.batches.create(body, behaviour)
            if behaviour.get("drop_create"):
                self.close_connection = True
                return None
            return self.reply(200, made)
        if self.path == "/misbehave":
            self.accounts.behaviour = body
            return self.reply(200, {})
        return self.embed(body) if self.path.endswith("/embeddings") else self.complete(body)

    def embed(self, request: dict[str, Any]) -> None:
        """Answer with one vector per text, the sum of its words' directions, priced per token."""
        texts, length = request["input"], request.get("dimensions") or DIMENSIONS
        status = self.accounts.behaviour.get("status")
        if status:
            return self.reply(status, {"error": {"message": "as told"}})
        tokens = sum(len(text.encode()) // 4 + 1 for text in texts)
        cost = tokens * INPUT_NANOUSD
        with self.accounts.lock:
            self.accounts.totals["calls"] += 1
            self.accounts.totals["answered"] += 1
            self.accounts.totals["cost_nanousd"] += cost
            number = self.accounts.totals["calls"]
        self.accounts.write(event="end", key=f"embedding-{number}", cost=cost, id=f"e-{number}")
        data = [
            {"object": "embedding", "index": at, "embedding": words_as_vector(text, length)}
            for at, text in enumerate(texts)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return self.reply(
            200,
            {
                "object": "list",
                "model": request["model"],
                "data": data[::-1],
                "usage": usage,
                "id": f"e-{number}",
            },
        )

    def complete(self, request: dict[str, Any]) -> None:
        # the seed comes from the call's id: two questions in the same words are two calls
        key = hashlib.sha256(
            json.dumps([request["messages"], request.get("seed")]).encode()
        ).hexdigest()[:16]
        behaviour = self.accounts.behaviour
        shape = request.get("response_format", {}).get("json_schema", {})
        with self.accounts.lock:
            self.accounts.asked[shape.get("name", "")] = request
            self.accounts.totals["calls"] += 1
            number = self.accounts.totals["calls"]
        status = behaviour.get("status")
        if status and number % behaviour.get("every", 1) == 0:
            with self.accounts.lock:
                self.accounts.totals["refused"] += 1
            self.accounts.write(event="refused", key=key, status=status)
            if behaviour.get("bare"):
                return self.text("Bad gateway", status)
            return self.reply(
                status,
                {"error": {"message": "as told"}},
                {"retry-after": str(behaviour.get("retry_after", 0.2))},
            )
        self.accounts.write(event="start", key=key)
        time.sleep(FakeLatency(self.accounts.delay_s, behaviour.get("spread", 0.0), key).seconds)
        text = behaviour.get("text") or answer_for(request)
        usage = {
            "prompt_tokens": sum(len(m["content"].encode()) for m in request["messages"]) // 4 + 8,
            "completion_tokens": len(text) // 4 + 1,
        }
        cost = usage["prompt_tokens"] * INPUT_NANOUSD + usage["completion_tokens"] * OUTPUT_NANOUSD
        with self.accounts.lock:
            self.accounts.totals["cost_nanousd"] += (
                cost  # counted when it is made, even if the client is gone
            )
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if behaviour.get("as_reasoning"):
            message = {"role": "assistant", "content": None, "reasoning_content": text}
        reply: dict[str, Any] = {
            "id": f"c-{number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": request["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        }
        if request.get("logprobs") and len(text) == 1:
            reply["choices"][0]["logprobs"] = letter_logprobs(text)
        if not behaviour.get("no_usage"):
            reply["usage"] = {**usage, "total_tokens": sum(usage.values())}
        try:
            self.reply(200, reply)
        except OSError:
            self.accounts.write(event="gone", key=key, cost=cost, id=reply["id"])
            return None
        with self.accounts.lock:
            self.accounts.totals["answered"] += 1
        self.accounts.write(event="end", key=key, cost=cost, id=reply["id"])
        return None

    def text(self, content: str, status: int = 200) -> None:
        """Answer with a file, or with an error that has no JSON."""
        body = content.encode()
        self.send_response(status)
        self.send_header("content-type", "application/jsonl")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def reply(
        self, status: int, content: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class PricedEndpointServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report what went wrong, but not that a client was killed."""
        if not isinstance(sys.exception(), ConnectionResetError):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--delay-s", type=float, default=0.0)
    options = parser.parse_args()
    EndpointHandler.accounts = EndpointAccounts(options.log)
    EndpointHandler.accounts.delay_s = options.delay_s
    PricedEndpointServer(("127.0.0.1", options.port), EndpointHandler).serve_forever()


if __name__ == "__main__":
    main()
