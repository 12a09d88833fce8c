"""Count the pairs that a real work joined among the first draws, unprompted and across fields.

The memory has no question. It holds what was known before each work of MOOSE-Chem (its background
survey) and all papers, split by the product's own ingest. A hit is a pair of passages of two
documents that a work joined: its background and a paper that inspired it, or two such papers. Of
these, *far* pairs share no word that is rare in the memory: so neither words nor an index find
them. *Decoys* are the pairs of papers that share the most rare words, and that no work joined.

A judge with stated errors says what is promoted (`support.scripted_judge`). The works are in two
halves, with all papers each. Parameters are chosen on the first, and `…_held_out` is the other one.
Intervals are over works (or decoys), which are drawn with replacement. Uniform draws find their
expectation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import interval_figure, ratio_of_sums
from benchmarks.sampler.shared_words import DocumentPair, SharedWords
from benchmarks.sampler.worlds import Work, headline, is_held_out, read_works
from daydream_contracts.events import FactKind
from daydream_memory.chunking import texts_of
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.reading import read_document
from daydream_memory.settings import MemorySettings
from daydream_sampler.pair_numbers import pair_count, pair_number
from daydream_sampler.simulation.draws import FactSpace
from support.scripted_judge import DECOY, GOOD, PORTFOLIO, ScriptedJudge, judged_draws

DRAWS, SEEDS, QUICK_SEEDS = 200, 10, 3
FIRST_SEED = 1000  # parameters were tuned with seeds below 100
STRATEGIES = ("importance", "learned", PORTFOLIO)
JOINED, FAR, DECOYS = "joined", "joined_far", "decoys"


@dataclass(frozen=True)
class Passages:
    """The memory: `documents` as texts, and the ordinals of the passages of each."""

    documents: Sequence[str]
    ordinals: Sequence[Sequence[int]]
    space: FactSpace

    def numbers(self, pair: DocumentPair) -> list[int]:
        """Return the numbers of all pairs of passages of two documents."""
        first, second = pair
        return [pair_number(a, b) for a, b in product(self.ordinals[first], self.ordinals[second])]

    def of(self, places: Sequence[int]) -> Passages:
        """Return the memory of these documents alone."""
        rows = [row for place in places for row in self.ordinals[place]]
        at = {row: new for new, row in enumerate(rows)}
        space = FactSpace(
            self.space.vectors[rows],
            [self.space.sources[row] for row in rows],
            [self.space.kinds[row] for row in rows],
        )
        ordinals = [[at[row] for row in self.ordinals[place]] for place in places]
        return Passages([self.documents[place] for place in places], ordinals, space)


def measure(table: Path, *, quick: bool) -> None:
    """Print joined, far and decoy pairs over uniform, of both halves of the works."""
    works, papers = read_works(table, headline(table))
    seeds = range(FIRST_SEED, FIRST_SEED + (QUICK_SEEDS if quick else SEEDS))
    whole = ingested([*(work.background for work in works), *papers])
    for suffix, held_out in (("", False), ("_held_out", True)):
        kept = [at for at, work in enumerate(works) if is_held_out(work.question) == held_out]
        half = [works[at] for at in kept]
        memory = whole.of([*kept, *range(len(works), len(whole.documents))])
        items = items_of(half, works, memory)
        for name in STRATEGIES:
            _print(name, suffix, memory, items, seeds)


def items_of(
    half: Sequence[Work], works: Sequence[Work], memory: Passages
) -> dict[str, list[list[int]]]:
    """Return, by kind, the numbers of the pairs of each item: of a work, or of a decoy.

    The backgrounds of the half come first in the memory. A pair that any of the works joined is no
    decoy.
    """
    shared = SharedWords(memory.documents)
    joined = [joined_by(place, work, len(half)) for place, work in enumerate(half)]
    far = [[pair for pair in pairs if not shared.rare(pair)] for pairs in joined]
    count = len({pair for pairs in joined for pair in pairs})
    known = {pair for work in works for pair in joined_by(0, work, len(half))}
    papers = range(len(half), len(memory.documents))
    others = [pair for pair in combinations(papers, 2) if pair not in known]
    decoys = sorted(others, key=shared.weight, reverse=True)[:count]
    return {
        JOINED: [_numbers(memory, pairs) for pairs in joined],
        FAR: [_numbers(memory, pairs) for pairs in far],
        DECOYS: [memory.numbers(pair) for pair in decoys],
    }


def _numbers(memory: Passages, pairs: Sequence[DocumentPair]) -> list[int]:
    return [number for pair in pairs for number in memory.numbers(pair)]


def joined_by(place: int, work: Work, works: int) -> list[DocumentPair]:
    """Return the pairs of documents that a work joined: papers come after all backgrounds."""
    papers = [works + paper for paper in work.inspirations]
    return [*((place, paper) for paper in papers), *combinations(sorted(papers), 2)]


def ingested(documents: Sequence[str]) -> Passages:
    """Return the memory after the product's reader and splitter, with the bundled vectors."""
    texts, sources, ordinals = list[str](), list[str](), list[list[int]]()
    chars_max = MemorySettings().chunk_chars
    for place, document in enumerate(documents):
        name = f"{place}.txt"
        reading = read_document(document.encode(), name)
        facts = texts_of(reading, source=name, chars_max=chars_max).texts
        ordinals.append(list(range(len(texts), len(texts) + len(facts))))
        texts += [fact.text for fact in facts]
        sources += [name] * len(facts)
    vectors = np.stack(asyncio.run(MiniLM(2).embed(texts)))
    space = FactSpace(vectors, sources, [FactKind.DOCUMENT] * len(texts))
    return Passages(documents, ordinals, space)


def _print(
    name: str,
    suffix: str,
    memory: Passages,
    items: Mapping[str, Sequence[Sequence[int]]],
    seeds: range,
) -> None:
    kinds = {number: GOOD for numbers in items[JOINED] for number in numbers}
    kinds |= {number: DECOY for numbers in items[DECOYS] for number in numbers}
    runs = [frozenset(judged_draws(name, memory.space, kinds, seed, DRAWS)) for seed in seeds]
    pairs = pair_count(len(memory.space.vectors)) - memory.space.same_document_pairs
    for kind, of_items in items.items():
        rows = [(_found(runs, numbers), DRAWS * len(numbers) / pairs) for numbers in of_items]
        expected = sum(row[1] for row in rows)
        details: dict[str, Any] = {
            "strategy": name,
            "facts": len(memory.space.vectors),
            "documents": len(memory.documents),
            "pairs_of_passages": sum(map(len, of_items)),
            "expected_of_uniform": round(expected, 3),
            "draws": DRAWS,
            "seeds": str(seeds),
            "judge": str(ScriptedJudge()),
        }
        if expected:
            interval_figure(
                "sampler",
                f"across_{kind}_ratio_{name}{suffix}",
                rows,
                ratio_of_sums,
                "times",
                **details,
            )


def _found(runs: Sequence[frozenset[int]], numbers: Sequence[int]) -> float:
    """Return how many of these pairs a run draws, in the mean."""
    return sum(number in run for run in runs for number in numbers) / len(runs)
