"""Gates that need no model: what they stop costs nothing more.

Order: abstained, unreadable, malformed, repetitive, restating one of its own facts (by its words, then by its embedding),
near-duplicate of something known.
Nearness is measured on the embedding model's own scale, 0 at the median cosine of unrelated facts and 1 at the same text, and what counts as known by what
the model does to different claims about one subject (the memory's `likeness`): a fixed cosine would mean something else for every model. What says the same
in other words lies no nearer than that, so these gates stop what is repeated almost word for word; the rest is for the judges and the oracle.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from statistics import NormalDist

from daydream_contracts.events import Decision, HypothesisProposed, NearestMatch, Synthesis
from daydream_contracts.rpc import NearestMatches

WORDS_MIN = 6
COMPRESSION_MAX = (
    3.0  # plain English of this length compresses about 1.3–2 times; loops compress far more
)
TRIPLES_REPEATED_MAX = 0.35
TRIPLES_COPIED_MAX = 0.6
DUPLICATE_SIMILARITY, RESTATEMENT_SIMILARITY = (
    0.85,
    0.92,
)  # while the embedding model is not measured
NEARNESS_MAX = (
    0.98  # the same text with a comma more is known, whatever the model was measured to do
)
WORD = re.compile(r"[^\W\d_][\w'-]*")  # begins with a letter: rows of numbers are no words


@dataclass(frozen=True)
class Outcome:
    """A gate's word: the decision, a short code, and what is said to people."""

    decision: Decision
    reason: str
    explanation: str
    nearest: NearestMatch | None = None


def check_text(proposed: HypothesisProposed) -> Outcome | None:
    """What can be seen without knowing anything else."""
    if proposed.unreadable is not None:
        return Outcome(
            Decision.DISCARDED,
            "unreadable",
            "the synthesizer's answer could not be read, even after asking again",
        )
    if proposed.synthesis is None:
        return Outcome(Decision.ABSTAINED, "abstained", proposed.abstention or "no reason given")
    missing = [
        name
        for name, text in _texts(proposed.synthesis).items()
        if len(WORD.findall(text)) < (2 if name == "title" else WORDS_MIN)
    ]
    missing = [name for name in missing if name != "title" or not proposed.synthesis.title]
    if missing:
        return Outcome(
            Decision.DISCARDED, "malformed", f"too short to be judged: {', '.join(missing)}"
        )
    for name, text in _texts(proposed.synthesis).items():
        if repetitive(text):
            return Outcome(
                Decision.DISCARDED, "repetitive", f"the {name} says the same over and over"
            )
    for fact in (proposed.pair.first, proposed.pair.second):
        if copied(proposed.synthesis.hypothesis, fact.text):
            known = NearestMatch(what="fact", id=fact.fact_id, text=fact.text, similarity=1.0)
            return Outcome(
                Decision.DISCARDED,
                "restatement",
                "it says what one of its two facts says, in the same words",
                known,
            )
    return None


def check_memory(
    known: NearestMatches,
    *,
    duplicate_similarity: float | None,
    restatement_similarity: float | None,
    same_false_share: float,
) -> Outcome | None:
    """What can be seen by what is known already; the verdict names it. A nearness that is None is taken from what the embedding model was measured to do."""

    def nearness(one: NearestMatch) -> float:
        return _nearness(one.similarity, known.unrelated_median)

    own = max(known.own_facts, key=nearness, default=None)
    if own is not None and nearness(own) >= (
        restatement_similarity or measured(known, same_false_share, RESTATEMENT_SIMILARITY)
    ):
        return Outcome(
            Decision.DISCARDED, "restatement", "it says what one of its two facts says", own
        )
    if known.nearest is not None and nearness(known.nearest) >= (
        duplicate_similarity or measured(known, same_false_share, DUPLICATE_SIMILARITY)
    ):
        return Outcome(
            Decision.DUPLICATE,
            "duplicate",
            f"this is known already as a {known.nearest.what}",
            known.nearest,
        )
    return None


def measured(known: NearestMatches, false_share: float, unmeasured: float) -> float:
    """The nearness that `false_share` of different claims about one subject reach; `unmeasured` while the model is not measured."""
    if known.likeness is None:
        return unmeasured
    cosine = known.likeness.mean + NormalDist().inv_cdf(1 - false_share) * known.likeness.deviation
    return min(NEARNESS_MAX, _nearness(cosine, known.unrelated_median))


def _nearness(cosine: float, unrelated_median: float) -> float:
    return (cosine - unrelated_median) / max(1e-6, 1 - unrelated_median)


def repetitive(text: str) -> bool:
    """Whether a text loops, as small models do: it compresses too well, or its word triples come again and again."""
    data = text.encode()
    if len(data) >= 120 and len(data) / len(zlib.compress(data, 9)) > COMPRESSION_MAX:
        return True
    triples = _triples(text)
    return len(triples) >= 8 and 1 - len(set(triples)) / len(triples) > TRIPLES_REPEATED_MAX


def copied(text: str, fact: str) -> bool:
    """Whether most word triples of a text stand in the fact."""
    triples = _triples(text)
    known = set(_triples(fact))
    return (
        len(triples) >= 3
        and sum(triple in known for triple in triples) / len(triples) > TRIPLES_COPIED_MAX
    )


def _triples(text: str) -> list[tuple[str, str, str]]:
    words = [word.lower() for word in WORD.findall(text)]
    return list(zip(words, words[1:], words[2:], strict=False))


def _texts(synthesis: Synthesis) -> dict[str, str]:
    return {
        "title": synthesis.title,
        "hypothesis": synthesis.hypothesis,
        "implication": synthesis.implication,
    }
