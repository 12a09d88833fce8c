"""Hypotheses of a pair: who writes each sample, at which upper bound, and how writers are set."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from daydream_contracts.access import Clearances
from daydream_contracts.errors import ConfigurationError
from daydream_models.stage_plans import SHORT, StageCost
from daydream_synthesizer.request_specs import request_specs
from daydream_synthesizer.settings import SynthesizerSettings
from daydream_synthesizer.synthesis import Synthesizer
from daydream_synthesizer.writer_history import WriterHistory
from daydream_synthesizer.writers import read_writers
from support.message_builders import pair
from support.writer_fakes import FakeWriter

SPECS = request_specs(SynthesizerSettings())


def synthesizer(writers: dict[str, FakeWriter], **fields: Any) -> Synthesizer:
    return Synthesizer(writers, SPECS, **fields)  # type: ignore[arg-type]


def test_a_plan_has_the_highest_cost_and_the_lowest_clearance_of_all_writers() -> None:
    writers = {"a": FakeWriter("a", 100, 3, "secret"), "b": FakeWriter("b", 200, 1, "internal")}
    plan = synthesizer(writers, clearances=Clearances(("internal", "secret"))).plan()
    assert (plan.model, plan.alternative_models, plan.models) == ("a", ("b",), ("a", "b"))
    assert (plan.fixed_nanousd, plan.nanousd_per_fact_byte) == (200, 3)
    assert plan.reduced[SHORT] == StageCost(fixed_nanousd=100, nanousd_per_fact_byte=3)
    assert plan.clearance == "internal"
    (allocation,) = plan.allocations(10, 2)
    assert (allocation.model, allocation.alternative_models) == ("a", ("b",))
    assert allocation.upper_bound_nanousd == 2 * (200 + 30)


def test_each_sample_has_its_own_writer_and_an_id_that_does_not_depend_on_it() -> None:
    projector = SimpleNamespace(projection=WriterHistory())
    writers = {"a": FakeWriter("a"), "b": FakeWriter("b")}
    mixed = synthesizer(writers, projector=projector)
    single = synthesizer({"c": FakeWriter("c")})
    drawn = pair(samples=16)
    proposed = asyncio.run(mixed.propose(drawn))
    assert {hypothesis.writer for hypothesis in proposed} == {"a", "b"}
    for hypothesis in proposed:
        assert hypothesis.calls[0].model == f"{hypothesis.writer}-2026"
    by_single = asyncio.run(single.propose(drawn))
    assert [hypothesis.hypothesis_id for hypothesis in by_single] == [
        hypothesis.hypothesis_id for hypothesis in proposed
    ]


def writers_from(tmp_path: Path, text: str) -> list[Any]:
    file = tmp_path / "writers.toml"
    file.write_text(text)
    return list(read_writers(SynthesizerSettings(models_file=str(file))))


def test_writers_are_read_from_their_file(tmp_path: Path) -> None:
    first, second = writers_from(
        tmp_path,
        """
        [[writer]]
        model = "gpt-5-mini"
        [[writer]]
        model = "qwen3"
        reasoning_effort = "low"
        temperature = 0.5
        """,
    )
    assert (first.name, second.name) == ("gpt-5-mini", "qwen3")
    assert (second.reasoning_effort, second.temperature) == ("low", 0.5)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('[[writer]]\nmodel = "a"\n[[writer]]\nmodel = "a"\n', "twice"),
        ('[[writer]]\nmodel = "a"\nshort_answers = true\n', "short_answers"),
        ('[[writer]]\nrubric = "essay"\n', "rubric"),
    ],
)
def test_a_wrong_file_of_writers_is_refused(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigurationError, match=error):
        writers_from(tmp_path, text)
