"""The bundled record: anyone can replay it, with these notes and prompts, and it names itself."""

from __future__ import annotations

import asyncio

from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.outcome import assess
from daydream_console.bench.questions import recorded
from daydream_console.bench.record import EXAMPLE_FILE, read_record
from daydream_console.bench.wording import headline


def test_the_bundled_record_gives_a_table_and_says_that_no_model_answered() -> None:
    """After a change of corpus or prompts: python -m support.bench_example, with PYTHONPATH."""
    record = read_record(EXAMPLE_FILE)
    answers = recorded(record.answers, record.model)
    outcome = asyncio.run(assess(record, load_corpus(), answers, resamples=100))
    assert [arm.arm for arm in outcome.arms] == ["plain", "daydream"]
    assert all(arm.daydreams and arm.usd for arm in outcome.arms)
    assert outcome.errors is not None
    assert outcome.errors.can_tell
    assert "says nothing of any model" in headline(outcome, record)
    assert EXAMPLE_FILE.stat().st_size < 400_000
