"""The statements that the oracle holds a hypothesis against."""

from __future__ import annotations

import asyncio
from importlib.metadata import EntryPoint

import pytest

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import Decision, FactKind, HypothesisProposed, insight_id_of
from daydream_contracts.rpc import SearchHit
from daydream_critic.oracle import literature
from daydream_critic.oracle.evidence import EvidenceRetriever
from daydream_critic.oracle.literature import Publication, load_literature
from daydream_runtime import plugins
from support.critic import with_pair
from support.message_builders import hypothesis
from support.oracle import FakeOracleModel, examine, retriever, search_hit


def texts_shown(evidence: EvidenceRetriever, proposed: HypothesisProposed) -> set[str]:
    assert proposed.synthesis is not None
    statements, _ = asyncio.run(evidence.find(proposed, proposed.synthesis))
    return {statement.text for statement in statements}


def with_first_fact(**changes: str) -> HypothesisProposed:
    proposed = hypothesis()
    return with_pair(proposed, first=proposed.pair.first.model_copy(update=changes))


def test_only_facts_that_may_be_seen_next_to_the_hypothesis_are_shown() -> None:
    proposed = hypothesis()
    hits = (
        search_hit(11, "open"),
        search_hit(2, "ours", team="ours"),
        search_hit(3, "theirs", team="theirs"),
        search_hit(4, "asked", kind=FactKind.QUESTION),
        search_hit(5, "internal", clearance="internal"),
        search_hit(6, "secret", clearance="secret"),
        SearchHit(fact=proposed.pair.first, similarity=0.9),
        search_hit(7, "its own insight", fact_id=insight_id_of(proposed.hypothesis_id)),
    )
    cleared = retriever(*hits, clearance="secret")
    assert texts_shown(cleared, proposed) == {"open"}
    assert texts_shown(cleared, with_first_fact(team="ours")) == {"open", "ours"}
    internal = with_first_fact(clearance="internal")
    assert texts_shown(cleared, internal) == {"open", "internal"}
    less_cleared = retriever(*hits, clearance="internal")
    secret = with_first_fact(clearance="secret")
    assert texts_shown(less_cleared, secret) == {"open", "internal"}


async def find_publications(query: str, limit: int) -> list[Publication]:
    assert "river" in query
    return [
        Publication(f"doi:{number}", "On rivers", "They meander.") for number in range(limit + 5)
    ]


async def fail_to_search(query: str, limit: int) -> list[Publication]:
    raise ConnectionError("the library is closed")


def test_an_installed_literature_search_is_loaded_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patched, because installing a package takes seconds."""
    point = EntryPoint("mine", "x:y", literature.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _: find_publications)
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [point] if group == literature.GROUP else []
    )
    assert load_literature("mine", {}) is find_publications
    assert load_literature("", {}) is None
    with pytest.raises(ConfigurationError, match=r"'another'.*mine"):
        load_literature("another", {})


def test_a_hypothesis_is_held_against_publications() -> None:
    evidence = retriever(literature=find_publications)
    assert texts_shown(evidence, hypothesis()) == {"On rivers. They meander."}
    model = FakeOracleModel([("holds", 1), ("holds", 2)])
    verdict = examine(model, evidence=evidence, controls=False)
    assert (verdict.decision, verdict.reason) == (Decision.REFUTED, "prior-art")
    assert "doi:" in verdict.explanation


def test_a_failing_literature_search_is_reported_and_stops_nothing() -> None:
    model = FakeOracleModel([("holds", 0)])
    verdict = examine(model, evidence=retriever(literature=fail_to_search))
    assert verdict.decision is Decision.PROMOTED
    assert verdict.examination is not None
    assert "library is closed" in verdict.examination.missing[0]


def test_a_hypothesis_whose_facts_need_a_clearance_does_not_leave_the_lab() -> None:
    proposed = hypothesis()
    second = proposed.pair.second.model_copy(update={"clearance": "secret"})
    evidence = retriever(search_hit(11, "open"), literature=find_publications, clearance="secret")
    assert texts_shown(evidence, with_pair(proposed, second=second)) == {"open"}
