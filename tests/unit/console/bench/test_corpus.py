"""The corpus: enough of each kind, each note once, and shapes that tell nothing."""

from __future__ import annotations

import statistics
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from daydream_console.bench.corpus import FILES, BenchCorpus, load_corpus, write_notes
from daydream_contracts.errors import ConfigurationError
from daydream_memory.chunking import CHARS_MIN
from support.confounds import TEXT_FEATURES, area

CORPUS = load_corpus()
FEATURE_AREA_MAX = 0.6  # as of the canaries


def words(text: str) -> int:
    return len(text.split())


def test_every_note_is_long_enough_for_the_memory_and_one_fact() -> None:
    for note in CORPUS.notes(len(CORPUS.plain)):
        assert CHARS_MIN < len(note.text) < 300, note.text


def test_there_are_enough_of_each_kind() -> None:
    assert len(CORPUS.bridges) >= 60
    assert len(CORPUS.decoys) >= 60
    assert len({bridge.filler for bridge in CORPUS.bridges}) >= 60
    assert len(CORPUS.plain) >= 300


def test_every_note_is_there_once_under_an_id_that_tells_nothing() -> None:
    notes = CORPUS.notes(len(CORPUS.plain))
    assert len({note.note_id for note in notes}) == len({note.text for note in notes}) == len(notes)
    names = [bridge.name for bridge in CORPUS.bridges]
    assert len(set(names)) == len(names)
    assert not any(name in note.note_id for note in notes for name in names)


def test_the_two_notes_of_a_bridge_come_from_two_fields_and_the_link_needs_both() -> None:
    for bridge in CORPUS.bridges:
        assert bridge.first.domain != bridge.second.domain, bridge.name
        assert bridge.link not in bridge.first.text + bridge.second.text


def test_a_filler_has_the_length_of_the_note_that_it_stands_for() -> None:
    ratios = [words(bridge.filler) / words(bridge.second.text) for bridge in CORPUS.bridges]
    assert all(0.75 <= ratio <= 1.25 for ratio in ratios)
    assert 0.95 <= statistics.fmean(ratios) <= 1.05


def test_the_two_notes_of_a_decoy_share_its_word() -> None:
    for decoy in CORPUS.decoys:
        for note in (decoy.first, decoy.second):
            assert decoy.name in note.text.lower(), decoy.name


@pytest.mark.parametrize("name", TEXT_FEATURES)
def test_no_simple_feature_of_their_texts_tells_bridges_from_decoys(name: str) -> None:
    is_bridge = np.arange(len(CORPUS.bridges) + len(CORPUS.decoys)) < len(CORPUS.bridges)
    pairs = [(pair.first.text, pair.second.text) for pair in (*CORPUS.bridges, *CORPUS.decoys)]
    texts = [(first, second, f"{first} {second}") for first, second in pairs]
    for scope in zip(*texts, strict=True):
        assert area([TEXT_FEATURES[name](text) for text in scope], is_bridge) <= FEATURE_AREA_MAX


def test_labelled_matches_are_of_both_kinds_for_each_bridge_that_has_any() -> None:
    assert len(CORPUS.matches) >= 80
    for bridge, labels in _labels(CORPUS).items():
        assert bridge in CORPUS.bridge_by_name
        assert labels == Counter({True: 1, False: 1}), bridge
    texts = [row.hypothesis for row in CORPUS.matches]
    assert len(set(texts)) == len(texts)


def _labels(corpus: BenchCorpus) -> dict[str, Counter[bool]]:
    labels: dict[str, Counter[bool]] = {}
    for row in corpus.matches:
        labels.setdefault(row.bridge, Counter())[row.same] += 1
    return labels


def test_a_memory_has_all_bridges_and_decoys_and_as_many_plain_notes_as_wanted() -> None:
    texts = {note.text for note in CORPUS.notes(60)}
    assert len(texts) == 2 * 60 + 60 + 2 * 60 + 60
    assert all(bridge.first.text in texts for bridge in CORPUS.bridges)
    assert len({note.domain for note in CORPUS.plain if note.text in texts}) >= 15


def test_each_note_is_a_document_of_its_own(tmp_path: Path) -> None:
    files = write_notes(tmp_path, CORPUS.notes(0))
    assert len({file.name for file in files}) == 300
    assert files[0].read_text() in {note.text for note in CORPUS.notes(0)}


def test_a_corpus_of_ones_own_is_read_from_a_folder_or_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be read"):
        load_corpus(tmp_path)
    bridge = '[[bridge]]\nname="n"\nfield="a"\nother_field="b"\nfirst="f"\nsecond="s"\n'
    for name in FILES:
        (tmp_path / name).write_text("")
    (tmp_path / "bridges.toml").write_text(bridge + 'filler="x"\ngold="g"\n')
    (tmp_path / "matches.toml").write_text('[[match]]\nbridge="n"\nsame=true\nhypothesis="h"\n')
    own = load_corpus(tmp_path)
    assert (own.bridges[0].link, len(own.decoys), len(own.plain)) == ("g", 0, 0)
    assert own.digest != CORPUS.digest
