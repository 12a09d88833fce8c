"""Notice a model that gives the same answer whatever it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

ANSWERS_IN_A_ROW = 10
SIMILARITY_MIN = 0.9
CHARS_MAX = 4000  # of an answer: enough to tell answers apart, and cheap
KEYS_MAX = 1024
_WORD = re.compile(r"\w+")


@dataclass
class AnswerRun:
    """The last answer of a stage as its words, and how many like it came in a row."""

    words: frozenset[str]
    length: int = 1


class RepeatDetector:
    """Counts near-identical answers in a row, per model and stage."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], AnswerRun] = {}

    def observe(self, model: str, stage: str, text: str) -> bool:
        """Take an answer. Return True once per run, at the tenth near-identical one."""
        words = frozenset(_WORD.findall(text[:CHARS_MAX].lower()))
        run = self._runs.pop((model, stage), None)
        if run is None or not _is_similar(run.words, words):
            run = AnswerRun(words)
        else:
            run.length += 1
        self._runs[model, stage] = run
        if len(self._runs) > KEYS_MAX:
            del self._runs[next(iter(self._runs))]  # the one that was used longest ago
        return run.length == ANSWERS_IN_A_ROW


def _is_similar(last: frozenset[str], current: frozenset[str]) -> bool:
    union = len(last | current)
    return union == 0 or len(last & current) / union >= SIMILARITY_MIN
