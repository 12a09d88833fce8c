"""The example plug-ins: installed as a lab installs them, loaded and run by the real registries."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from nats.aio.client import Client
from nats.js.api import KeyValueConfig

from checks.each_alone import UV
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Decision, FactKind, VerdictReached
from daydream_critic.history.critic_history import CriticHistory
from daydream_critic.oracle.literature import load_literature
from daydream_critic.pipeline.gates.registry import open_gates
from daydream_critic.pipeline.judges.config import JudgeConfig, read_panel
from daydream_critic.pipeline.judges.registry import identify_judges, open_judges
from daydream_critic.settings import GATES, CriticSettings
from daydream_memory.reading import DocumentMetadata, Passage, read_document
from daydream_memory.reading.own_readers import own_readers
from daydream_memory.settings import MemorySettings
from daydream_memory.store.registry import StoreContext, open_store, store_opener
from daydream_models.settings import ModelSettings
from daydream_runtime.runtime_context import Runtime
from daydream_sampler.strategies.interface import FactView, LearnedParams, Partner
from daydream_sampler.strategies.registry import load_strategies
from support.critic import make_critic
from support.message_builders import SYNTHESIS, hypothesis
from support.oracle import retriever
from support.pdf_files import lines, pdf_file, rectangle, together
from support.store_cases import MODEL, add_active_facts, texts_near

ROOT = Path(__file__).parents[2]
KIT = ROOT / "tests" / "extension_kit"
PAGE = ROOT / "docs" / "extending.md"
INSTALL_S, CONTRACT_S = 60, 240
CONTRACT_TESTS_MIN = 50


@pytest.fixture(scope="module", autouse=True)
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install the kit into a folder, from which this module's tests import."""
    target = tmp_path_factory.mktemp("installed")
    where = ("--python", sys.executable, "--target", str(target))
    # hatchling is here already; without a cache, because uv keys it by pyproject.toml alone
    alone = ("--no-deps", "--no-build-isolation", "--offline", "--no-cache")
    command = [UV, "pip", "install", "--quiet", *where, *alone, str(KIT)]
    done = subprocess.run(command, text=True, capture_output=True, timeout=INSTALL_S, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(target)
        yield target


def test_the_strategy_draws_partners_of_other_domains() -> None:
    strategy = load_strategies(["importance", "cross-domain"])["cross-domain"]
    anchor = FactView(0, "a.md", "chemistry", FactKind.DOCUMENT)
    partners = [
        Partner(ordinal, f"{ordinal}.md", domain, FactKind.DOCUMENT)
        for ordinal, domain in enumerate(("birds", "chemistry", "rivers"), 1)
    ]
    weights = strategy.weigh(anchor, partners, LearnedParams())
    np.testing.assert_array_equal(weights, [1.0, 0.0, 1.0])
    assert strategy.name == "cross-domain"


async def judged(tmp_path: Path, **changed: str) -> VerdictReached:
    """Return the verdict of a critic that has the gate and the judge of the kit."""
    panel = tmp_path / "panel.toml"
    panel.write_text('[[judge]]\nkind = "measurability"\n')
    configs = read_panel(str(panel), ModelSettings(name="unused"))
    async with AsyncExitStack() as stack:
        runtime = cast(Runtime, None)  # only the models of judges need it
        judges = await open_judges(runtime, stack, CriticSettings(), configs)
    critic = make_critic(judges, CriticHistory(), gates=(*GATES, "no-questions"))
    synthesis = SYNTHESIS.model_copy(update=changed)
    verdict = await critic.judge(hypothesis(synthesis=synthesis))
    assert isinstance(verdict, VerdictReached)
    return verdict


async def test_the_gate_discards_a_question_before_any_judge_is_asked(tmp_path: Path) -> None:
    question = "Does a river that meanders delay its flood as a queue delays its crowd?"
    verdict = await judged(tmp_path, hypothesis=question)
    assert (verdict.decision, verdict.reason) == (Decision.DISCARDED, "question")
    assert verdict.judgements == ()


async def test_the_judge_scores_what_the_gate_lets_pass(tmp_path: Path) -> None:
    implication = "Straightened rivers should show flood peaks that are 20 % higher downstream."
    verdict = await judged(tmp_path, implication=implication)
    (judgement,) = verdict.judgements
    assert judgement.judge == "measurability"
    assert judgement.scores is not None
    assert judgement.scores.usefulness == 8
    assert "20, higher" in judgement.justification


async def test_the_literature_search_gives_the_oracle_publications() -> None:
    literature = load_literature("bookshelf", {})
    about = "A lack of magnesium in the blood makes migraine worse."
    proposed = hypothesis(synthesis=SYNTHESIS.model_copy(update={"hypothesis": about}))
    assert proposed.synthesis is not None
    statements, missing = await retriever(literature=literature).find(proposed, proposed.synthesis)
    assert [statement.id for statement in statements] == [
        "doi:10.1353/pbm.1988.0009",
        "doi:10.1353/pbm.1986.0087",
    ]
    assert missing == ()


def test_the_reader_reads_its_kind_of_document() -> None:
    own_readers.cache_clear()  # it looked before the kit was installed
    book = b"LABBOOK 1\n@@ 2026-03-02 Blades\nMussels settle in May.\n#sample 12\n"
    result = read_document(book, "notes.txt")
    own_readers.cache_clear()
    assert (result.status, result.kind) == ("read", "lab-book")
    assert result.passages == (
        Passage("Mussels settle in May.", "Blades", DocumentMetadata(date="2026-03-02")),
    )
    assert [entry.kind for entry in result.left_out] == ["samples"]


def test_the_reader_of_scans_gets_the_pixels_of_pages_without_text() -> None:
    own_readers.cache_clear()  # it looked before the kit was installed
    scan = read_document(pdf_file(rectangle(50, 300, 400, 200), together()), "scan.pdf")
    written = read_document(pdf_file(lines(["Mussels settle in May, and leave."])), "a.pdf")
    own_readers.cache_clear()
    assert (scan.kind, written.kind) == ("scan", "pdf")
    assert scan.passages == (
        Passage("This page of the scan has 401 rows of pixels with ink in them.", "page 1"),
    )
    assert [entry.text for entry in scan.left_out] == ["on 1 pages no text was recognised"]


async def test_the_store_logs_an_erasure(nc: Client, tmp_path: Path) -> None:
    bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="memory"))
    settings = MemorySettings(store="audited", folder=str(tmp_path))
    store = await open_store(StoreContext(settings, MODEL, bucket))
    await add_active_facts(store, "one", "two")
    await store.erasure.erase([], ["id one"], derived=False, note="asked for")
    assert await texts_near(store, "two") == {"two"}
    await store.close()
    (line,) = (tmp_path / "erasures.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "note": "asked for",
        "fact_ids": ["id one"],
        "verdicts": 0,
        "insights": [],
    }


def test_the_store_passes_the_contract_tests_of_all_stores(installed: Path) -> None:
    """Run in its own process: the contract tests look for stores when they are imported."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "tests/contracts/store", "-k", "audited"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(installed)},
        text=True,
        capture_output=True,
        timeout=CONTRACT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed.group(1)) >= CONTRACT_TESTS_MIN


def identify(kind: str) -> None:
    config = JudgeConfig(model=ModelSettings(name="unused"), kind=kind)
    identify_judges(CriticSettings(), [config])


@pytest.mark.parametrize(
    ("load", "known"),
    [
        (lambda name: load_strategies([name]), "cross-domain"),
        (lambda name: open_gates(CriticSettings(gates=(name,))), "no-questions"),
        (identify, "measurability"),
        (store_opener, "audited"),
        (lambda name: load_literature(name, {}), "bookshelf"),
    ],
)
def test_an_unknown_name_is_refused_with_the_known_ones(
    load: Callable[[str], object], known: str
) -> None:
    with pytest.raises(ConfigurationError, match="'nonsense'") as refused:
        load("nonsense")
    assert known in str(refused.value)


def test_the_page_about_plug_ins_shows_the_code_and_the_entry_points_of_the_kit() -> None:
    page = PAGE.read_text()
    sources = [path.read_text() for path in (KIT / "daydream_example_plugins").glob("*.py")]
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 7
    for block in blocks:
        assert any(block in source for source in sources), block
    (shown,) = re.findall(r"```toml\n(# pyproject.toml.*?)```", page, re.DOTALL)
    offered = tomllib.loads((KIT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert tomllib.loads(shown)["project"]["entry-points"] == offered
