"""The lengths of real calls: the Azure LLM inference trace of 2023, conversations (19,366 calls).

Priced like a small model of a frontier family: 1 $ per million tokens read, 5 $ per million written. A call's upper bound is
its prompt with a tenth more (a token count that isn't exact) and the whole answer it may write, which is the longest of the
trace. Amounts are nano-dollars, so everything is exact.
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
MAX_TOKENS = 1_000
SECONDS_PER_TOKEN = 5e-6
USD = 10**9


@dataclass(frozen=True, slots=True)
class Call:
    """One call: what it reads and what it will write, which nobody knows before."""

    prompt: int
    generated: int

    @property
    def bound(self) -> int:
        """The most that it can cost, as far as the caller knows."""
        times, per = PROMPT_SAFETY
        return -(-self.prompt * times // per) * INPUT_NANOUSD + MAX_TOKENS * OUTPUT_NANOUSD

    @property
    def cost(self) -> int:
        """What it will cost, as far as the endpoint knows."""
        return self.prompt * INPUT_NANOUSD + self.generated * OUTPUT_NANOUSD

    @property
    def lasts_s(self) -> float:
        """A thousandth of real time or less, so that hundreds of thousands of calls fit into a benchmark; they overlap like real ones."""
        return self.generated * SECONDS_PER_TOKEN


def find(data: Path) -> Path | None:
    """The trace in this folder, or in its folder of that name."""
    return next(
        (file for file in (data / FILE, data / "azure-llm-trace" / FILE) if file.is_file()), None
    )


def read(file: Path) -> list[Call]:
    """All calls, in their order."""
    with file.open(newline="") as lines:
        calls = [
            Call(int(line["ContextTokens"]), int(line["GeneratedTokens"]))
            for line in csv.DictReader(lines)
        ]
    if any(call.generated > MAX_TOKENS for call in calls):
        raise ValueError(
            f"the trace has an answer of more than {MAX_TOKENS} tokens: the bound would not hold"
        )
    return calls


def shuffled(calls: list[Call], seed: int) -> list[Call]:
    """Another order of the same calls for each seed."""
    order = list(calls)
    random.Random(seed).shuffle(order)
    return order
