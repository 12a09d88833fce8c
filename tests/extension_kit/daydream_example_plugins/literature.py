"""A literature search: a short list of publications, searched by words.

A real one sends the query to a library's server, so the query leaves the lab.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter

from daydream_critic.oracle.literature import Publication

PUBLICATIONS = (
    Publication(
        "doi:10.1353/pbm.1986.0087",
        "Fish Oil, Raynaud's Syndrome, and Undiscovered Public Knowledge",
        "Fish oil may relieve Raynaud's syndrome, because it lowers the viscosity of blood.",
    ),
    Publication(
        "doi:10.1353/pbm.1988.0009",
        "Migraine and Magnesium: Eleven Neglected Connections",
        "A lack of magnesium may cause migraine. Eleven separate findings point to it.",
    ),
)
WORD = re.compile(r"\w{4,}")


async def search(query: str, limit: int) -> Sequence[Publication]:
    """Return publications that share a word with the query, those that share more words first."""
    words = _words(query)
    matches = [(len(words & _words(entry.text)), entry) for entry in PUBLICATIONS]
    ranked = sorted(matches, key=itemgetter(0), reverse=True)
    return [entry for shared, entry in ranked if shared][:limit]


def _words(text: str) -> set[str]:
    return set(WORD.findall(text.lower()))
