"""Domains by clustering."""

from __future__ import annotations

import numpy as np
import pytest

from daydream_memory.clustering import FOUND_PREFIX, clusters_for, domains_of, nearest

TOPICS = {
    "steel": "steel oven temper quench",
    "birds": "songbird nest feather migrate",
    "bread": "dough yeast flour knead",
}


def memory(
    each: int, seed: int = 0
) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.float32]], list[str], list[str]]:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(9).standard_normal((len(TOPICS), 24))
    vectors, texts, topics = [], [], []
    for centre, (topic, words) in zip(centres, TOPICS.items(), strict=True):
        for _ in range(each):
            vector = centre + 0.3 * rng.standard_normal(24)
            vectors.append(vector / np.linalg.norm(vector))
            texts.append(
                "Here somebody writes about "
                f"{' and '.join(rng.choice(words.split(), 2, replace=False))} again."
            )
            topics.append(topic)
    return np.array(vectors, np.float32), texts, topics


def test_facts_about_one_subject_are_one_domain_named_after_it() -> None:
    vectors, texts, topics = memory(12)
    domains = domains_of(vectors, texts, seed=1)
    assert len(domains) == clusters_for(36) == 3
    labels = nearest(vectors, np.array([domain.centre for domain in domains], np.float32))
    assert {(topic, int(label)) for topic, label in zip(topics, labels, strict=True)} == {
        (topic, int(labels[at * 12])) for at, topic in enumerate(TOPICS)
    }
    for at, words in enumerate(TOPICS.values()):
        name = domains[int(labels[at * 12])].name
        assert name.startswith(FOUND_PREFIX)
        assert set(name.removeprefix(FOUND_PREFIX).split()) <= set(words.split())


def test_a_domain_keeps_its_name_as_the_memory_grows() -> None:
    vectors, texts, _ = memory(12)
    before = domains_of(vectors, texts, seed=1)
    later, later_texts, _ = memory(48, seed=5)
    after = domains_of(later, later_texts, seed=2, before=before)
    assert len({domain.name for domain in before} & {domain.name for domain in after}) >= 2
    assert len({domain.name for domain in after}) == len(after) == clusters_for(144)


def test_texts_that_are_all_the_same_are_one_domain() -> None:
    vectors = np.repeat(memory(1)[0][:1], 60, axis=0)
    (only,) = domains_of(vectors, ["same words"] * 60, seed=1)
    assert only.name == FOUND_PREFIX + "same words"


@pytest.mark.parametrize(("facts", "clusters"), [(50, 3), (400, 10), (10**6, 32)])
def test_more_facts_have_more_domains_up_to_a_maximum(facts: int, clusters: int) -> None:
    assert clusters_for(facts) == clusters
