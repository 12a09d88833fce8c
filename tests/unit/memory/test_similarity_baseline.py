"""How an embedding model is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import nats
import numpy as np
import pytest
from nats.js.api import KeyValueConfig

from daydream_contracts.errors import TransientError
from daydream_memory.minilm_embedder import MiniLM
from daydream_memory.similarity_baseline import (
    MINILM_SCALE,
    SimilarityBaseline,
    cosines,
    sentence_triples,
)
from daydream_memory.store import Vector
from support.endpoint import words_as_vector
from support.programs import NatsServer


class FakeWordEmbedder:
    """Gives each word its own direction. It is unavailable at first, as often as told."""

    model = "words"

    def __init__(self, away: int = 0) -> None:
        self.away = away
        self.asked = 0

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        self.asked += 1
        if self.asked <= self.away:
            raise TransientError("the endpoint is away")
        vectors = [np.array(words_as_vector(text, 64), np.float32) for text in texts]
        return [vector / np.linalg.norm(vector) for vector in vectors]


def test_the_bundled_sentences_are_triples_of_different_ones() -> None:
    assert len(sentence_triples()) >= 30
    assert len({text for triple in sentence_triples() for text in triple}) == 3 * len(
        sentence_triples()
    )


def test_the_stated_scale_of_the_bundled_model_is_the_measured_one() -> None:
    """Allow for the processor: weights have eight bits, and each adds them up in its own way."""
    same, others = asyncio.run(cosines(MiniLM(1)))
    measured = (others.mean(), others.std(ddof=1))
    assert (MINILM_SCALE.mean, MINILM_SCALE.deviation) == pytest.approx(measured, abs=0.02)
    assert MINILM_SCALE.pairs == len(same)


async def test_another_model_is_measured_once_and_its_scale_is_stored(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    server.start()
    nc = await nats.connect(server.url)
    try:
        bucket = await nc.jetstream().create_key_value(KeyValueConfig(bucket="b"))

        async def measured_scale(model: FakeWordEmbedder) -> SimilarityBaseline:
            measured = SimilarityBaseline(model, bucket)
            assert measured.scale is None

            async def pause(_: float) -> None:
                """None is needed."""

            await measured.measure_until_known(pause, lambda: measured.scale is not None)
            return measured

        first = FakeWordEmbedder(away=2)
        scale = (await measured_scale(first)).scale
        assert scale is not None
        assert first.asked == 3
        _, others = await cosines(FakeWordEmbedder())
        assert scale.mean == pytest.approx(others.mean())
        again = FakeWordEmbedder()
        assert (await measured_scale(again)).scale == scale
        assert again.asked == 0
    finally:
        await nc.close()
        server.kill()
