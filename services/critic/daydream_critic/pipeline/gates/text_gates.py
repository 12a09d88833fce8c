"""Gates that need the text of a hypothesis alone, and its two facts."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from daydream_contracts.events import Decision, NearestMatch, Synthesis
from daydream_critic.pipeline.evaluation import Evaluation
from daydream_critic.pipeline.outcome import Outcome

WORDS_MIN = 6
COMPRESSED_BYTES_MIN = 120
COMPRESSION_MAX = 3.0  # plain English of this length compresses 1.3 to 2 times, loops far more
REPEATED_TRIPLES_MIN = 8
REPEATED_TRIPLES_SHARE_MAX = 0.35
COPIED_TRIPLES_MIN = 3
COPIED_TRIPLES_SHARE_MAX = 0.6
WORD = re.compile(r"[^\W\d_][\w'-]*")  # begins with a letter, so rows of numbers have no words


@dataclass(frozen=True)
class MalformedGate:
    """Stops a hypothesis without a title, or with texts that are too short to be judged."""

    needs_memory = False

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """Discard as `malformed`."""
        synthesis = evaluation.synthesis
        short = [] if synthesis.title else ["title"]
        for name in ("hypothesis", "implication"):
            if len(WORD.findall(getattr(synthesis, name))) < WORDS_MIN:
                short.append(name)
        if not short:
            return None
        explanation = f"too short to be judged: {', '.join(short)}"
        return Outcome(Decision.DISCARDED, "malformed", explanation)


@dataclass(frozen=True)
class RepetitionGate:
    """Stops a text that loops, as small models write them."""

    needs_memory = False

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """Discard as `repetitive`."""
        for name, text in _texts(evaluation.synthesis).items():
            if is_repetitive(text):
                explanation = f"the {name} repeats itself"
                return Outcome(Decision.DISCARDED, "repetitive", explanation)
        return None


@dataclass(frozen=True)
class CopyGate:
    """Stops a hypothesis that copies the words of one of its two facts."""

    needs_memory = False

    def check(self, evaluation: Evaluation) -> Outcome | None:
        """Discard as `copied`, and name the fact."""
        pair = evaluation.proposed.pair
        for fact in (pair.first, pair.second):
            if is_copied(evaluation.synthesis.hypothesis, fact.text):
                return Outcome(
                    Decision.DISCARDED,
                    "copied",
                    "it repeats one of its two facts in the same words",
                    NearestMatch(kind="fact", id=fact.fact_id, text=fact.text, similarity=1.0),
                )
        return None


def is_repetitive(text: str) -> bool:
    """Return whether a text compresses too well, or repeats its word triples."""
    encoded = text.encode()
    long_enough = len(encoded) >= COMPRESSED_BYTES_MIN
    if long_enough and len(encoded) / len(zlib.compress(encoded, 9)) > COMPRESSION_MAX:
        return True
    triples = _word_triples(text)
    if len(triples) < REPEATED_TRIPLES_MIN:
        return False
    return 1 - len(set(triples)) / len(triples) > REPEATED_TRIPLES_SHARE_MAX


def is_copied(text: str, fact: str) -> bool:
    """Return whether most word triples of a text are in the fact."""
    triples, known = _word_triples(text), set(_word_triples(fact))
    if len(triples) < COPIED_TRIPLES_MIN:
        return False
    return sum(triple in known for triple in triples) / len(triples) > COPIED_TRIPLES_SHARE_MAX


def _word_triples(text: str) -> list[tuple[str, str, str]]:
    words = [word.lower() for word in WORD.findall(text)]
    return list(zip(words, words[1:], words[2:], strict=False))


def _texts(synthesis: Synthesis) -> dict[str, str]:
    return {
        "title": synthesis.title,
        "hypothesis": synthesis.hypothesis,
        "implication": synthesis.implication,
    }
