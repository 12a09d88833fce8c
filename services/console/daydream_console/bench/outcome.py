"""From a record to the result: which promoted hypotheses are good, per dollar, with intervals.

A hypothesis *covers* a bridge or a decoy if it descends from both of its notes, and neither of its
two facts alone does. Covered bridges whose link it states are good insights; each bridge counts
once per run. Everything else that is promoted counts as not good, so the precision is a lower bound
where notes have links that are not in the corpus.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daydream_console.bench.arms import ARMS, FULL_ARM, PLAIN_ARM
from daydream_console.bench.controls import yielded_by_one_side
from daydream_console.bench.corpus import BenchCorpus, BenchPair
from daydream_console.bench.matching import MatchingJudge
from daydream_console.bench.questions import Ask
from daydream_console.bench.record import ArmRun, BenchRecord, RecordedDaydream
from daydream_console.bench.statistics import (
    RATIO_MAX,
    RESAMPLES,
    ArmHits,
    BenchInterval,
    MatchErrors,
    ResampledRates,
    rate_interval,
    rates_per_usd,
    ratio_interval,
    share_interval,
)
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import NANOUSD_PER_USD

SEED = 0


@dataclass(frozen=True)
class ArmOutcome:
    """What one arm found, over all of its runs.

    `stated` counts hypotheses on bridges that state the link, promoted or not, as the matching
    judge says. `good` and what follows is corrected for its errors. `usd_per_good` is None without
    a good insight; its upper end is RATIO_MAX where there is none. `ratio` is None for the plain
    arm, and where that did not run. `ratio_found`: the plain arm found something to compare with.
    """

    arm: str
    text: str
    runs: int
    usd: float
    seconds: float
    daydreams: int
    promoted: int
    bridges_drawn: int
    stated: int
    good: float
    good_per_usd: BenchInterval
    usd_per_good: BenchInterval | None
    ratio: BenchInterval | None
    ratio_found: bool
    precision: BenchInterval
    decoys_drawn: int
    decoys_promoted: int


@dataclass(frozen=True)
class BenchOutcome:
    """The table. `errors` is None where no hypothesis was about a bridge.

    `excluded` are the bridges whose link one side alone yields.
    """

    arms: tuple[ArmOutcome, ...]
    errors: MatchErrors | None
    excluded: tuple[str, ...]
    bridges: int
    decoys: int
    notes: int

    def of(self, name: str) -> ArmOutcome | None:
        """Return the outcome of an arm, or None if it did not run."""
        return next((arm for arm in self.arms if arm.arm == name), None)

    @property
    def ratio(self) -> BenchInterval | None:
        """Return good insights per dollar of the full arm, divided by those of the plain one."""
        full = self.of(FULL_ARM)
        return full.ratio if full else None


@dataclass(frozen=True)
class _Covered:
    """A hypothesis about a bridge in a run of an arm."""

    run: ArmRun
    daydream: RecordedDaydream
    bridge: BenchPair


def covers(daydream: RecordedDaydream, pair: BenchPair) -> bool:
    """Return whether a hypothesis joins the two notes of a pair, which its facts alone did not."""
    joined = pair.note_ids <= set(daydream.notes)
    return joined and not any(pair.note_ids <= set(parent) for parent in daydream.parents)


async def assess(
    record: BenchRecord, corpus: BenchCorpus, ask: Ask, *, resamples: int = RESAMPLES
) -> BenchOutcome:
    """Return the result of a record.

    Raise ConfigurationError for another corpus than the record's, and what `ask` raises.
    """
    if record.corpus != corpus.digest:
        raise ConfigurationError(
            "The record was made with other notes than those of this version",
            f"Replay it with daydream {record.version}",
        )
    corpus = corpus.first(record.pairs)
    judge = MatchingJudge(ask, record.votes)
    covered = list(_covered(record.runs, corpus))
    errors = await judge.errors(corpus, record.labelled) if covered else None
    stated = await asyncio.gather(
        *(judge.states_link(row.bridge, row.daydream.text) for row in covered)
    )
    hits = [row for row, said in zip(covered, stated, strict=True) if said]
    hit_names = {row.bridge.name for row in hits}
    controlled = [bridge for bridge in corpus.bridges if bridge.name in hit_names]
    excluded = await yielded_by_one_side(controlled, judge)
    counted = [
        (row, said)
        for row, said in zip(covered, stated, strict=True)
        if row.bridge.name not in excluded
    ]
    return _table(record, corpus, counted, errors, excluded, resamples)


def _covered(runs: Iterable[ArmRun], corpus: BenchCorpus) -> Iterable[_Covered]:
    for run in runs:
        for daydream in run.daydreams:
            if daydream.text:
                for bridge in corpus.bridges:
                    if covers(daydream, bridge):
                        yield _Covered(run, daydream, bridge)


def _table(
    record: BenchRecord,
    corpus: BenchCorpus,
    counted: Sequence[tuple[_Covered, bool]],
    errors: MatchErrors | None,
    excluded: set[str],
    resamples: int,
) -> BenchOutcome:
    names = [name for name in record.arms if any(run.arm == name for run in record.runs)]
    hits = {name: _hits(name, record.runs, counted) for name in names}
    bridges = len(corpus.bridges) - len(excluded)
    known = errors or MatchErrors(0, 0, 0, 0)
    resampled = rates_per_usd(hits, bridges, known, seed=SEED, resamples=resamples)
    rows = []
    for name in names:
        stated = sum(said for row, said in counted if row.run.arm == name)
        runs = [run for run in record.runs if run.arm == name]
        rows.append(_outcome(runs, hits, resampled, corpus, known, stated))
    return BenchOutcome(
        tuple(rows),
        errors,
        tuple(sorted(excluded)),
        bridges=len(corpus.bridges),
        decoys=len(corpus.decoys),
        notes=len(corpus.notes(record.plain_notes)),
    )


def _hits(name: str, runs: Iterable[ArmRun], counted: Iterable[tuple[_Covered, bool]]) -> ArmHits:
    """Return what an arm promoted about bridges. Several about one bridge in a run are one."""
    own = sorted((run for run in runs if run.arm == name), key=lambda run: run.run)
    places = {run.run: place for place, run in enumerate(own)}
    answers: dict[tuple[int, str], bool] = {}
    for row, said in counted:
        if row.run.arm == name and row.daydream.promoted:
            key = places[row.run.run], row.bridge.name
            answers[key] = answers.get(key, False) or said
    return ArmHits(answers, [run.spent_nanousd / NANOUSD_PER_USD for run in own])


def _outcome(
    runs: Sequence[ArmRun],
    hits: Mapping[str, ArmHits],
    resampled: Mapping[str, ResampledRates],
    corpus: BenchCorpus,
    errors: MatchErrors,
    stated: int,
) -> ArmOutcome:
    name = runs[0].arm
    good = {arm: own.good(errors) for arm, own in hits.items()}
    rates = {arm: good[arm] / (sum(own.usd) or 1) for arm, own in hits.items()}
    daydreams = [daydream for run in runs for daydream in run.daydreams]
    promoted = [daydream for daydream in daydreams if daydream.promoted]
    rate = rate_interval(rates[name], resampled[name])
    decoys = _covered_names(daydreams, corpus.decoys)
    return ArmOutcome(
        arm=name,
        text=ARMS[name].text if name in ARMS else "",
        runs=len(runs),
        usd=sum(hits[name].usd),
        seconds=sum(run.seconds for run in runs),
        daydreams=len(daydreams),
        promoted=len(promoted),
        bridges_drawn=sum(_covered_names(daydreams, corpus.bridges).values()),
        stated=stated,
        good=good[name],
        good_per_usd=rate,
        usd_per_good=_inverse(rate),
        ratio=_ratio(name, rates, resampled),
        ratio_found=rates.get(PLAIN_ARM, 0) > 0,
        precision=share_interval(good[name], len(promoted)),
        decoys_drawn=sum(decoys.values()),
        decoys_promoted=sum(_covered_names(promoted, corpus.decoys).values()),
    )


def _inverse(rate: BenchInterval) -> BenchInterval | None:
    """Return dollars per good insight. Without a lower end of the rate it has no upper end."""
    if not rate.value:
        return None
    return BenchInterval(
        1 / rate.value, 1 / rate.high, min(RATIO_MAX, 1 / rate.low) if rate.low else RATIO_MAX
    )


def _ratio(
    name: str, rates: Mapping[str, float], resampled: Mapping[str, ResampledRates]
) -> BenchInterval | None:
    """Return the ratio to the plain arm; None without one.

    If that found nothing, the value is the median of the resamples, in which it has its prior.
    """
    if name == PLAIN_ARM or PLAIN_ARM not in rates:
        return None
    plain = rates[PLAIN_ARM]
    value = rates[name] / plain if plain else None
    return ratio_interval(value, resampled[name], resampled[PLAIN_ARM])


def _covered_names(
    daydreams: Iterable[RecordedDaydream], pairs: Sequence[BenchPair]
) -> Counter[str]:
    """Return how many of these daydreams cover each pair."""
    return Counter(pair.name for daydream in daydreams for pair in pairs if covers(daydream, pair))
