"""Answers of the matching judge: paid for once, and safe against a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from daydream_console.bench.arms import read_arms
from daydream_console.bench.corpus import load_corpus
from daydream_console.bench.matching import match_prompt
from daydream_console.bench.measuring import ANSWERS_FILE, store_answer, stored_answers
from daydream_console.bench.plan import BenchPlan, price_of_free_model
from daydream_console.bench.questions import BenchQuestion
from daydream_console.bench.size import FULL_SIZE
from daydream_console.local.model import ModelChoice
from daydream_contracts.errors import ConfigurationError


def plan(folder: Path, **changes: object) -> BenchPlan:
    fields: dict[str, object] = {
        "folder": folder,
        "model": ModelChoice("m", "http://127.0.0.1:1/v1"),
        "corpus": load_corpus(),
        "arms": read_arms("plain,daydream"),
        "runs": 2,
        "cap_usd": 4.0,
        "seed": 1,
        "size": FULL_SIZE,
        **changes,
    }
    return BenchPlan(**fields)  # type: ignore[arg-type]


def test_an_answer_that_a_kill_has_cut_is_asked_for_again(tmp_path: Path) -> None:
    store_answer(tmp_path, "a", "yes\nand more")
    store_answer(tmp_path, "b", "no")
    with (tmp_path / ANSWERS_FILE).open("a") as file:
        file.write('{"key": "c", "te')
    assert stored_answers(tmp_path) == {"a": "yes\nand more", "b": "no"}
    store_answer(tmp_path, "c", "maybe")
    assert stored_answers(tmp_path) == {"a": "yes\nand more", "b": "no", "c": "maybe"}


def test_no_file_means_no_answers(tmp_path: Path) -> None:
    assert stored_answers(tmp_path) == {}


def test_another_model_word_or_vote_is_another_question() -> None:
    prompt = match_prompt()

    def question(link: str, vote: int) -> BenchQuestion:
        return BenchQuestion(prompt, prompt.fill(link=link, hypothesis="h"), 9, 0.5, vote)

    keys = {
        question("a", 0).key("m"),
        question("b", 0).key("m"),
        question("a", 1).key("m"),
        question("a", 0).key("n"),
    }
    assert len(keys) == 4
    assert question("a", 0).key("m") in keys


def test_the_caps_of_all_runs_and_of_measuring_are_the_cap(tmp_path: Path) -> None:
    whole = plan(tmp_path)
    assert whole.run_cap_nanousd == 850_000_000
    assert 4 * whole.run_cap_nanousd + whole.measuring_cap_nanousd == 4_000_000_000


def test_a_folder_continues_its_own_benchmark_and_refuses_another(tmp_path: Path) -> None:
    plan(tmp_path).claim_folder()
    plan(tmp_path).claim_folder()
    with pytest.raises(ConfigurationError, match="another runs, cap_usd"):
        plan(tmp_path, runs=3, cap_usd=9.0).claim_folder()


def test_once_all_arms_are_complete_a_higher_cap_pays_for_measuring(tmp_path: Path) -> None:
    first = plan(tmp_path)
    first.claim_folder()
    higher = plan(tmp_path, cap_usd=9.0)
    with pytest.raises(ConfigurationError, match="another cap_usd"):
        higher.claim_folder()
    for arm in first.arms:
        for run in range(first.runs):
            first.result_file(arm, run).write_text("{}")
    higher.claim_folder()
    assert higher.measuring_cap_nanousd > first.measuring_cap_nanousd
    with pytest.raises(ConfigurationError, match="another seed"):
        plan(tmp_path, seed=2).claim_folder()


def test_a_free_model_gets_a_price_so_that_its_tokens_count(tmp_path: Path) -> None:
    settings = price_of_free_model(plan(tmp_path))
    assert settings["DAYDREAM_MODEL_FREE"] == "false"
    text = Path(settings["DAYDREAM_GATEWAY_PRICES_FILE"]).read_text()
    assert '[models."m"]' in text
    assert "output_usd_per_mtok = 0.4" in text
