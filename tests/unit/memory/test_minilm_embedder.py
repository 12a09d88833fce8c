"""The bundled model: its vectors mean something, and the same text has the same one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from daydream_memory.minilm_embedder import CACHE_TEXTS, MiniLM

TRAIL = "Ants that find food lay a scent trail, and other ants follow it."
PARAPHRASE = (
    "When an ant discovers something to eat, it marks the way with a smell that its nestmates"
    " track."
)
UNRELATED = "The central bank raised its interest rate by half a percentage point in March."


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    return MiniLM(1)


async def test_vectors_have_length_one_and_the_same_dimension(minilm: MiniLM) -> None:
    vectors = await minilm.embed([TRAIL, "x", "", "蚂蚁", "word " * 3000])
    assert {vector.shape for vector in vectors} == {(384,)}
    assert {vector.dtype for vector in vectors} == {np.dtype(np.float32)}
    np.testing.assert_allclose([np.linalg.norm(vector) for vector in vectors], 1, atol=1e-5)


async def test_a_paraphrase_is_closer_than_something_unrelated(minilm: MiniLM) -> None:
    trail, paraphrase, unrelated = await minilm.embed([TRAIL, PARAPHRASE, UNRELATED])
    assert float(trail @ paraphrase) > float(trail @ unrelated) + 0.3


async def test_the_same_text_has_the_same_vector_alone_together_and_in_another_process(
    minilm: MiniLM,
) -> None:
    (alone,) = await minilm.embed([TRAIL])
    _, together = await minilm.embed([UNRELATED, TRAIL])
    (elsewhere,) = await MiniLM(1).embed([TRAIL])
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_array_equal(alone, elsewhere)


async def test_vectors_come_in_the_order_of_the_texts_under_concurrent_requests(
    minilm: MiniLM,
) -> None:
    texts = [TRAIL, PARAPHRASE, UNRELATED]
    answers = await asyncio.gather(*(minilm.embed(texts[at:] + texts[:at]) for at in range(3)))
    for at, vectors in enumerate(answers):
        np.testing.assert_array_equal(vectors[-at % 3], answers[0][0])


async def test_no_texts_give_no_vectors(minilm: MiniLM) -> None:
    assert await minilm.embed([]) == []


def test_the_cache_has_a_limit() -> None:
    assert 0 < CACHE_TEXTS * 384 * 4 < 10_000_000


def test_the_library_of_the_model_keeps_no_identifier_and_sends_nothing(tmp_path: Path) -> None:
    code = (
        "import asyncio; from daydream_memory.minilm_embedder import MiniLM;"
        "asyncio.run(MiniLM(1).embed(['ants']))"
    )
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}  # CI also turns it off
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
