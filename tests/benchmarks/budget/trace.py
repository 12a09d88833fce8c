"""The lengths of real calls: the Azure LLM inference trace of 2023, conversations (19,366 calls).

Priced like a small model of a frontier family: $1 per million input tokens, $5 per million output
tokens. A call's upper bound is its prompt plus a tenth (the token count is not exact) and its
maximum answer, which is stated beforehand. A longer answer is cut there, as a provider does. So any
trace can be replayed. Amounts are nano-dollars, so everything is exact.
"""

from __future__ import annotations

import csv
import random
from dataclasses import dataclass
from pathlib import Path

FILE = "AzureLLMInferenceTrace_conv.csv"
PUBLISHED = f"{FILE} from https://github.com/Azure/AzurePublicDataset (data/, CC-BY)"
INPUT_NANOUSD, OUTPUT_NANOUSD = 1_000, 5_000
PROMPT_SAFETY = (11, 10)
MAX_TOKENS = (1_024, 4_096)
SECONDS_PER_TOKEN = 5e-6
USD = 10**9


@dataclass(frozen=True, slots=True)
class TracedCall:
    """One call: its prompt tokens, and its output tokens, which are unknown before the call."""

    prompt: int
    generated: int
    max_tokens: int

    @property
    def bound(self) -> int:
        """Return the maximum cost, as the caller knows it."""
        times, per = PROMPT_SAFETY
        return -(-self.prompt * times // per) * INPUT_NANOUSD + self.max_tokens * OUTPUT_NANOUSD

    @property
    def cost(self) -> int:
        """Return the real cost, as the endpoint knows it."""
        return self.prompt * INPUT_NANOUSD + self.generated * OUTPUT_NANOUSD

    @property
    def lasts_s(self) -> float:
        """Return the duration: 1/1000 of real time or less, overlapping like real calls."""
        return self.generated * SECONDS_PER_TOKEN


def find(data: Path) -> Path | None:
    """Return the trace in this folder or in its `azure-llm-trace`; None if there is none."""
    return next(
        (file for file in (data / FILE, data / "azure-llm-trace" / FILE) if file.is_file()), None
    )


def read(file: Path, max_tokens: int = MAX_TOKENS[0]) -> list[TracedCall]:
    """Return all calls in order, with answers of at most `max_tokens`."""
    with file.open(newline="") as lines:
        return [
            TracedCall(
                int(line["ContextTokens"]),
                min(int(line["GeneratedTokens"]), max_tokens),
                max_tokens,
            )
            for line in csv.DictReader(lines)
        ]


def shuffled(calls: list[TracedCall], seed: int) -> list[TracedCall]:
    """Return the calls in an order that depends on the seed."""
    order = list(calls)
    random.Random(seed).shuffle(order)
    return order
