"""Insights as feeds and as notes: only those in use, and no note of a person is ever lost."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
import yaml

from daydream_console.insights.index import InsightIndex
from daydream_console.insights.schema import open_database
from daydream_console.insights.search import find_insights
from daydream_console.vault import active_insights, notes_of, write_vault
from daydream_console.web.feed import ATOM, atom, json_feed
from daydream_contracts.events import (
    Decision,
    Fact,
    FactKind,
    ReviewRecorded,
    VerdictReached,
    derive_id,
)
from daydream_contracts.rpc import InsightQuery, InsightSummary, VerdictPage
from support.message_builders import AT, SYNTHESIS, fact, hypothesis, pair

HOME = "http://127.0.0.1:8421/"


def insight(
    number: int, *, first: Fact | None = None, title: str = "", **changes: object
) -> VerdictReached:
    drawn = pair(number)
    drawn = drawn.model_copy(update={"first": first}) if first else drawn
    its_hypothesis = hypothesis(
        number, SYNTHESIS.model_copy(update={"title": title or f"Insight {number}"})
    ).model_copy(update={"pair": drawn})
    return VerdictReached(
        verdict_id=derive_id("v", number),
        hypothesis=its_hypothesis,
        role="judge",
        round=1,
        decision=Decision.PROMOTED,
        reason="score",
        explanation="good",
        final=True,
        cost_nanousd=2_000_000,
        reached_at=AT,
    ).model_copy(update=changes)


def summaries(*verdicts: VerdictReached) -> tuple[InsightSummary, ...]:
    index = InsightIndex(open_database(None))
    for verdict in verdicts:
        index.add_verdict(verdict)
    return find_insights(index, InsightQuery(sort="date", descending=False)).insights


def as_fact(verdict: VerdictReached) -> Fact:
    return fact(90).model_copy(
        update={
            "fact_id": derive_id("insight", verdict.hypothesis.hypothesis_id),
            "kind": FactKind.INSIGHT,
            "title": "an insight",
        }
    )


def test_only_insights_in_use_are_in_the_feed() -> None:
    insights = [insight(number) for number in range(4)]
    rejected = (
        ReviewRecorded(
            verdict_id=insights[1].verdict_id, accepted=False, who="ada", recorded_at=AT
        ),
    )
    page = VerdictPage(
        verdicts=tuple(insights),
        total=4,
        reviews=rejected,
        retracted=(insights[2].verdict_id,),
        pending_review=(insights[3].verdict_id,),
    )
    assert active_insights(page) == [insights[0]]


def test_the_json_feed_has_the_required_fields() -> None:
    feed = json_feed(summaries(insight(1)), HOME)
    assert (feed["version"], feed["feed_url"]) == (
        "https://jsonfeed.org/version/1.1",
        f"{HOME}feed.json",
    )
    (item,) = feed["items"]
    assert item["id"].startswith("urn:uuid:")
    assert "To test: Straightened rivers" in item["content_text"]
    json.dumps(feed)


def test_the_atom_feed_is_well_formed_for_any_text_of_a_model() -> None:
    odd = insight(1, title="a < b & \x00\x0b \u202e ]]> \U0001f41c")
    feed = Xml.fromstring(atom(summaries(odd, insight(2)), HOME))
    entries = feed.findall(f"{{{ATOM}}}entry")
    assert [entry.findtext(f"{{{ATOM}}}title") for entry in entries] == [
        "a < b &  \u202e ]]> \U0001f41c",
        "Insight 2",
    ]
    for needed in ("id", "title", "updated"):
        assert feed.findtext(f"{{{ATOM}}}{needed}")
        assert all(entry.findtext(f"{{{ATOM}}}{needed}") for entry in entries)
    assert Xml.fromstring(atom([], HOME)).findtext(f"{{{ATOM}}}updated")


def test_notes_link_to_each_other_and_to_sources() -> None:
    parent = insight(1)
    child = insight(2, first=as_fact(parent), title='A/B: "odd" [names] | here')
    notes = notes_of([parent, child])
    (name,) = [name for name in notes if name.startswith("insights/A B odd names here")]
    (of_parent,) = [name for name in notes if name.startswith("insights/Insight 1")]
    assert f"[[{of_parent.removesuffix('.md')}|" in notes[name]
    head = yaml.safe_load(notes[name].split("---\n")[1])
    assert (head["title"], head["cost_usd"], head["strategy"]) == (
        'A/B: "odd" [names] | here',
        0.002,
        "uniform",
    )
    sourced = fact(1).model_copy(update={"source": "/notes/my ants.md"})
    (text,) = [
        text
        for key, text in notes_of([insight(3, first=sourced)]).items()
        if key.startswith("facts/Fact 1 ")
    ]
    assert "[/notes/my ants.md](file:///notes/my%20ants.md)" in text


def test_a_vault_is_updated_and_notes_that_people_changed_stay(tmp_path: Path) -> None:
    notes = notes_of([insight(1), insight(2)])
    assert set(write_vault(tmp_path, notes).written) == set(notes)
    assert write_vault(tmp_path, notes).written == ()
    edited, other, fresh = [
        *sorted(name for name in notes if name.startswith("insights/")),
        "insights/new.md",
    ]
    (tmp_path / edited).write_text("I thought about it, and")
    (tmp_path / fresh).write_text("was here before")
    result = write_vault(tmp_path, {edited: "changed", fresh: "ours"})
    assert (set(result.kept), result.written) == ({edited, fresh}, ())
    assert other in result.removed
    assert not (tmp_path / other).exists()
    assert (tmp_path / edited).read_text().startswith("I thought")
    assert write_vault(tmp_path, {}).removed == ()
    assert (tmp_path / edited).exists()


@pytest.mark.parametrize("title", ["", "...", "con/../../etc", "x" * 500])
def test_no_title_leads_out_of_the_folder(title: str, tmp_path: Path) -> None:
    notes = notes_of([insight(1, title=title or " ")])
    write_vault(tmp_path / "vault", notes)
    assert all(
        (tmp_path / "vault" / name).resolve().is_relative_to(tmp_path / "vault") for name in notes
    )
    assert not [path for path in tmp_path.iterdir() if path.name != "vault"]
