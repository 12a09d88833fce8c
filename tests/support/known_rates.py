"""Benchmarks whose true ratio is known: records of arms, and a matching judge with known errors."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime

from daydream_console.bench.arms import FULL_ARM, PLAIN_ARM
from daydream_console.bench.corpus import BenchCorpus, BenchPair
from daydream_console.bench.matching import match_prompt
from daydream_console.bench.questions import BenchQuestion
from daydream_console.bench.record import ArmRun, BenchRecord, RecordedDaydream

NANO = 1_000_000_000
AT = datetime(2026, 1, 1, tzinfo=UTC)
MODEL = "known-rates-1"


@dataclass(frozen=True)
class KnownRates:
    """How often arms find something, and how often their judge errs.

    `reach` is the mean number of the bridges that an arm promotes something about in a run, as a
    share of all; a bridge's own share varies around it with `spread` (log-normal). `right` is the
    share of these hypotheses that state the link. The true ratio of good insights per dollar is
    that of the reaches.
    """

    ratio: float
    reach: float = 0.03
    spread: float = 0.5
    right: float = 0.6
    runs: int = 1
    sensitivity: float = 0.85
    specificity: float = 0.95

    def reach_of(self, arm: str) -> float:
        """Return the reach of an arm."""
        return self.reach * (self.ratio if arm == FULL_ARM else 1)


def record_with_known_rates(
    rates: KnownRates, corpus: BenchCorpus, seed: int, votes: int = 1
) -> BenchRecord:
    """Return the record of a plain and a full arm that have these rates."""
    rng = random.Random(f"world {seed}")
    mean = -(rates.spread**2) / 2
    ease = {bridge.name: rng.lognormvariate(mean, rates.spread) for bridge in corpus.bridges}
    runs = [
        _run(rates, corpus, ease, arm, number, rng)
        for arm in (PLAIN_ARM, FULL_ARM)
        for number in range(rates.runs)
    ]
    return BenchRecord(
        version="0",
        model=MODEL,
        price="none",
        corpus=corpus.digest,
        plain_notes=0,
        cap_usd=2.0 * rates.runs,
        votes=votes,
        labelled=len(corpus.matches),
        started_at=AT,
        arms=(PLAIN_ARM, FULL_ARM),
        runs=tuple(runs),
    )


def _run(
    rates: KnownRates,
    corpus: BenchCorpus,
    ease: dict[str, float],
    arm: str,
    number: int,
    rng: random.Random,
) -> ArmRun:
    daydreams = [
        daydream_on(
            bridge, right=rng.random() < rates.right, serial=f"{arm} {number} {bridge.name}"
        )
        for bridge in corpus.bridges
        if rng.random() < min(1.0, rates.reach_of(arm) * ease[bridge.name])
    ]
    return ArmRun(
        arm=arm,
        run=number,
        seed=number,
        cap_nanousd=NANO,
        spent_nanousd=int(NANO * rng.uniform(0.95, 1.0)),
        seconds=60,
        ended="the cap is reached",
        daydreams=tuple(daydreams),
    )


def daydream_on(
    pair: BenchPair, *, right: bool, decision: str = "promoted", serial: str = ""
) -> RecordedDaydream:
    """Return a hypothesis about a pair. `right`: it states the link, as FakeMatchingJudge knows."""
    first, second = pair.first.note_id, pair.second.note_id
    return RecordedDaydream(
        notes=(first, second),
        parents=((first,), (second,)),
        strategy="uniform",
        title="t",
        text=f"{'RIGHT' if right else 'WRONG'} about {pair.name} {serial}",
        decision=decision,
    )


@dataclass(frozen=True)
class FakeMatchingJudge:
    """A model that answers the benchmark's questions with known errors, always in the same way.

    Controls yield nothing, unless they are about a note of `known_alone`.
    """

    corpus: BenchCorpus
    sensitivity: float = 1.0
    specificity: float = 1.0
    seed: int = 0
    known_alone: frozenset[str] = frozenset()

    async def __call__(self, question: BenchQuestion) -> str:
        """Answer a question."""
        text = question.messages[1]["content"]
        if question.prompt.name != match_prompt().name:
            known = any(note in text for note in self.known_alone)
            return "RIGHT, from one side alone" if known else "WRONG, nothing to say"
        rng = random.Random(f"{self.seed} {question.vote} {text}")
        same = "RIGHT" in text or any(
            row.same for row in self.corpus.matches if row.hypothesis in text
        )
        is_yes = rng.random() < (self.sensitivity if same else 1 - self.specificity)
        return json.dumps({"reason": "so", "same": "yes" if is_yes else "no"})
