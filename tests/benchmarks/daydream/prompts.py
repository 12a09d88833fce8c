"""How much of each prompt is the same in every call, and stands first, where a prefix cache hits.

The notes are those of the bundled corpus, and the hypothesis is as long as a usual one. Shares are
of the bytes of a call's messages; the schema of the answer is not among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean

from benchmarks.figures import figure
from daydream_console.bench.corpus import load_corpus
from daydream_contracts.events import Synthesis
from daydream_contracts.prompt_variables import judge_variables
from daydream_critic.pipeline.judges.config import JudgeConfig
from daydream_critic.pipeline.judges.requests import judge_requests
from daydream_critic.settings import CriticSettings
from daydream_models.model_request import Messages
from daydream_models.prompt import FENCE_BYTES
from daydream_models.settings import ModelSettings
from daydream_models.stage_plans import FULL
from daydream_synthesizer.request_specs import request_specs
from daydream_synthesizer.settings import SynthesizerSettings
from support.message_builders import SYNTHESIS


def fixed_shares(quick: bool) -> None:
    """Print, of the writer's and the judge's input, the share that is fixed and comes first."""
    writer = request_specs(SynthesizerSettings())[FULL].prompt
    judge = judge_requests(CriticSettings(), JudgeConfig(model=ModelSettings(name="m")))[FULL]
    pairs = load_corpus().bridges
    filled = {
        "writer": [writer.fill(first=pair.first.text, second=pair.second.text) for pair in pairs],
        "judge": [
            judge.prompt.fill(**judge_variables(_finding(pair.name, pair.link))) for pair in pairs
        ],
    }
    for role, calls in filled.items():
        texts = [_text(messages) for messages in calls]
        figure(
            "daydream",
            f"{role}_prefix_share",
            [fmean(prefix_share(pair) for pair in pairwise(texts))],
            "share",
            bytes=round(fmean(len(text.encode()) for text in texts)),
            fence_bytes=FENCE_BYTES,
        )


def prefix_share(texts: Sequence[str]) -> float:
    """Return the share of the mean length of texts that is their common beginning."""
    shortest = min(map(len, texts))
    common = next((at for at in range(shortest) if len({text[at] for text in texts}) > 1), shortest)
    return common / fmean(map(len, texts))


def _finding(name: str, link: str) -> Synthesis:
    return SYNTHESIS.model_copy(update={"title": name, "hypothesis": link, "reasoning": link})


def _text(messages: Messages) -> str:
    return "\n".join(message["content"] for message in messages)
