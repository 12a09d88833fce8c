"""Choose the model for all roles on this machine: a configured one, or the bundled toy model."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from daydream_console.local.gguf_file import is_small
from daydream_console.local.http_get import get
from daydream_console.local.reachable import check_reachable
from daydream_contracts.errors import ConfigurationError

OPENAI_URL = "https://api.openai.com/v1"
OPENAI_DEFAULT = "gpt-4.1-mini"
TOY_NAME = "smollm2-135m"
TOY_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOY_NOTICE = (
    "This is the bundled toy model, SmolLM2-135M. It shows that everything works, but it has no "
    "ideas, and its scores carry no information. To use a real model, set OPENAI_API_KEY, or "
    "pass --base-url or --model FILE.gguf."
)
WELL_KNOWN_PORTS = {"Ollama": 11434, "LM Studio": 1234, "vLLM": 8000, "llama.cpp": 8080}
NAMES_SHOWN = 8
SHORT_ANSWERS = {"DAYDREAM_MODEL_SHORT_ANSWERS": "true"}  # a small model loses a long prompt
LOCAL_ENVIRONMENT = {
    "DAYDREAM_MODEL_FREE": "true",
    "DAYDREAM_MODEL_TIMEOUT_S": "300",
    # One slot on a small machine: more would only share the same cores.
    "DAYDREAM_SYNTHESIZER_CONCURRENCY": "1",
    "DAYDREAM_CRITIC_CONCURRENCY": "1",
    "DAYDREAM_ORACLE_CONCURRENCY": "1",
    "DAYDREAM_SAMPLER_PAIRS_AHEAD": "3",
    "DAYDREAM_SYNTHESIZER_MODEL_TEMPERATURE": "0.7",
}
# Enough to see that it can't judge, in less than a minute.
TOY_ENVIRONMENT = {"DAYDREAM_CRITIC_CALIBRATION_CANARIES": "4"}


@dataclass(frozen=True)
class ModelChoice:
    """A model for all roles.

    With `weights` it is served from this file, by a process that daydream starts.
    """

    name: str
    base_url: str = ""
    weights: Path | None = None
    toy: bool = False

    def environment(self) -> dict[str, str]:
        """Return the settings of the services for this model.

        An API key stays in the environment as it is.
        """
        names = {"DAYDREAM_MODEL_NAME": self.name, "DAYDREAM_MODEL_BASE_URL": self.base_url}
        if self.weights is None:
            return names
        return (
            names
            | LOCAL_ENVIRONMENT
            | (TOY_ENVIRONMENT if self.toy else {})
            | (SHORT_ANSWERS if self.toy or is_small(self.weights) else {})
        )


def choose(
    *, weights: Path | None, base_url: str, name: str, env: Mapping[str, str] = os.environ
) -> ModelChoice:
    """Choose by options first, then by environment. Return the toy model if neither names one."""
    if weights is not None:
        if not weights.is_file():
            raise ConfigurationError(
                f"Model file {weights} does not exist", "Pass an existing .gguf file with --model"
            )
        return ModelChoice(weights.stem, weights=weights.absolute())
    name = name or env.get("DAYDREAM_MODEL_NAME", "")
    key = env.get("DAYDREAM_MODEL_API_KEY") or env.get("OPENAI_API_KEY") or ""
    configured_urls = (
        base_url,
        env.get("DAYDREAM_MODEL_BASE_URL"),
        env.get("OPENAI_BASE_URL"),
        OPENAI_URL if key else "",
    )
    url = next(filter(None, configured_urls), "")
    if not url:
        return ModelChoice(TOY_NAME, toy=True)
    return ModelChoice(name or _only_model(url, key), url.rstrip("/"))


def _only_model(base_url: str, key: str) -> str:
    """Return the name of the only model at this address.

    Raise ConfigurationError if there is not exactly one.
    """
    if base_url.startswith(OPENAI_URL):
        return OPENAI_DEFAULT
    check_reachable(base_url)
    names = list_models(base_url, key)
    if len(names) == 1:
        return names[0]
    listed = ", ".join(names[:NAMES_SHOWN])
    offer = f"it offers {listed}" if names else "it does not list its models"
    raise ConfigurationError(
        f"No model chosen at {base_url}; {offer}",
        "Choose one with --model-name or DAYDREAM_MODEL_NAME",
    )


def list_models(base_url: str, key: str = "", timeout_s: float = 5.0) -> list[str]:
    """Return the models of an OpenAI-compatible server.

    Empty if it does not answer or does not list them.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{base_url.rstrip('/')}/models"
    try:
        listed = json.loads(get(url, headers=headers, timeout_s=timeout_s))
        return [str(model["id"]) for model in listed["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def local_servers() -> list[tuple[str, str, str]]:
    """Return (server, base URL, first model) of each well-known server that answers on this
    machine.
    """
    servers = []
    for server, port in WELL_KNOWN_PORTS.items():
        url = f"http://127.0.0.1:{port}/v1"
        servers += [(server, url, model) for model in list_models(url, timeout_s=0.3)[:1]]
    return servers
