"""Notice a model that gives the same answer whatever it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

ANSWERS_IN_A_ROW = 10
SIMILARITY_MIN = 0.9
WORDS_MIN = 16  # names of JSON fields are among them
CHARS_MAX = 4000  # of an answer: enough to tell answers apart, and cheap
KEYS_MAX = 1024
_WORD = re.compile(r"\w+")


@dataclass
class AnswerRun:
    """The last answer of a stage as its words, and how many like it came in a row."""

    words: frozenset[str]
    length: int = 1

    @property
    def is_long(self) -> bool:
        """Return True if the model has nothing new to say."""
        return self.length >= ANSWERS_IN_A_ROW

    @property
    def is_text(self) -> bool:
        """Return True unless the answers are so short that different questions may share them."""
        return len(self.words) >= WORDS_MIN


class RepeatDetector:
    """Counts near-identical answers in a row, per model and stage."""

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], AnswerRun] = {}

    def observe(self, model: str, stage: str, text: str) -> AnswerRun:
        """Take an answer. Return the run of near-identical ones that it belongs to."""
        words = frozenset(_WORD.findall(text[:CHARS_MAX].lower()))
        run = self._runs.pop((model, stage), None)
        if run is None or not _is_similar(run.words, words):
            run = AnswerRun(words)
        else:
            run.length += 1
        self._runs[model, stage] = run
        if len(self._runs) > KEYS_MAX:
            del self._runs[next(iter(self._runs))]  # the one that was used longest ago
        return run


def _is_similar(last: frozenset[str], current: frozenset[str]) -> bool:
    union = len(last | current)
    return union == 0 or len(last & current) / union >= SIMILARITY_MIN
