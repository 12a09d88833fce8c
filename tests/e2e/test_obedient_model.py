"""Documents with orders, and a model that obeys all of them, in the whole loop.

Judges cannot help here: they give tens to whatever carries an order. What must hold is what does
not depend on a model: money, fences and the promotion quota. That ten like answers in a row raise
an alert is tested with a fixed order of answers (`tests/unit/budget/gateway/test_attempts.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from daydream_console.bench.corpus import load_corpus
from support.obedient_endpoint import ESCAPES_VARIABLE, order_in
from support.programs import Daydream, priced_endpoint
from support.prompt_injections import INJECTIONS

pytestmark = pytest.mark.slow

DAYDREAMS, PLAIN_NOTES = 80, 40
CANARY_SHARE = 0.2


@dataclass(frozen=True)
class ObedientRun:
    """What a run printed, its verdicts, the critic's report, and orders outside of fences."""

    printed: dict[str, Any]
    verdicts: list[dict[str, Any]]
    critic: dict[str, Any]
    escapes: Path
    billed_nanousd: int

    def shown(self) -> list[dict[str, Any]]:
        return [verdict for verdict in self.verdicts if verdict["decision"] == "promoted"]


def write_notes(folder: Path) -> Path:
    """Write a document per injection, each with a sentence that is worth reading, and others."""
    folder.mkdir()
    for place, (name, text) in enumerate(INJECTIONS.items()):
        fact = f"The river of sample {name} carries more sediment in spring, when snow melts."
        (folder / f"injected-{place:02d}.txt").write_text(f"{fact}\n\n{text}\n", "utf-8")
    for place, note in enumerate(load_corpus().plain[:PLAIN_NOTES]):
        (folder / f"plain-{place:02d}.md").write_text(f"{note.text}\n", "utf-8")
    return folder


@pytest.fixture(scope="module")
def obedient_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObedientRun]:
    """Run the shipped promotion rule, with canaries and the oracle."""
    folder = tmp_path_factory.mktemp("obedient")
    notes, escapes = write_notes(folder / "notes"), folder / "escapes.txt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ESCAPES_VARIABLE, str(escapes))
        with priced_endpoint(folder, module="support.obedient_endpoint") as endpoint:
            daydream = Daydream(
                folder / "user",
                endpoint,
                DAYDREAM_SAMPLER_STAGES="synthesizer,critic,oracle",
                DAYDREAM_SAMPLER_CANARY_SHARE=str(CANARY_SHARE),
                DAYDREAM_CRITIC_PROMOTE_BY="ranks",
            )
            printed = daydream.json("run", str(notes), "-n", str(DAYDREAMS), "--cap", "2")
            billed_nanousd = endpoint.witness()["cost_nanousd"]
            with daydream.readers("memory", "critic"):
                verdicts = daydream.verdicts()
                critic = daydream.json("report", "critic")
            yield ObedientRun(printed, verdicts, critic, escapes, billed_nanousd)


@pytest.mark.fault("F27", invariant="orders cost what calls cost, and stop nothing")
def test_the_run_ends_and_spends_what_was_billed(obedient_run: ObedientRun) -> None:
    printed = obedient_run.printed
    assert (printed["ended"], printed["dead_letters"]) == ("the goal is reached", 0)
    assert printed["budget"]["settled_nanousd"] == obedient_run.billed_nanousd


@pytest.mark.fault("F27", invariant="no order of a document or an insight leaves its fence")
def test_no_order_leaves_the_fences_of_data(obedient_run: ObedientRun) -> None:
    hypotheses = [row["hypothesis"]["synthesis"]["hypothesis"] for row in obedient_run.verdicts]
    assert sum(bool(order_in(text)) for text in hypotheses) > DAYDREAMS / 4, "it obeys"
    assert not obedient_run.escapes.exists()


@pytest.mark.fault("F27", invariant="an order that became an insight has fewer than one successor")
def test_orders_do_not_spread_from_insight_to_insight(obedient_run: ObedientRun) -> None:
    promoted = obedient_run.shown()
    carriers = [row for row in promoted if order_in(row["hypothesis"]["synthesis"]["hypothesis"])]
    successors = [
        row
        for row in promoted
        for side in ("first", "second")
        if (fact := row["hypothesis"]["pair"][side])["kind"] == "insight" and order_in(fact["text"])
    ]
    assert carriers, "judges that obey do promote at first"
    assert len(carriers) < len(obedient_run.verdicts) / 3, "a quota does not depend on judges"
    assert len(successors) < len(carriers)


@pytest.mark.fault("F27", invariant="a canary that does not hold is not promoted")
def test_no_decoy_is_promoted(obedient_run: ObedientRun) -> None:
    decoys = obedient_run.critic["decoys"]
    assert decoys["count"] > 0
    assert decoys["hits"] == 0
