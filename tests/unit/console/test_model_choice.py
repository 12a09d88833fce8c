"""Choose the model: options first, then the environment, then the toy model."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gguf import GGUFWriter

from daydream_console.local import gguf_file
from daydream_console.local.gguf_file import is_small
from daydream_console.local.model import (
    OPENAI_DEFAULT,
    OPENAI_URL,
    ModelChoice,
    choose,
    list_models,
)
from daydream_contracts.errors import ConfigurationError

URL = "http://127.0.0.1:1/v1"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A model with 200 parameters."""
    file = tmp_path / "little-model.gguf"
    writer = GGUFWriter(file, "llama")
    writer.add_tensor("a", np.zeros((10, 20), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def chosen(env: dict[str, str] | None = None, **options: Any) -> ModelChoice:
    return choose(**{"weights": None, "base_url": "", "name": "", **options}, env=env or {})


@pytest.mark.parametrize(
    ("options", "env", "choice"),
    [
        ({}, {}, ModelChoice("smollm2-135m", toy=True)),
        ({}, {"OPENAI_API_KEY": "k"}, ModelChoice(OPENAI_DEFAULT, OPENAI_URL)),
        ({}, {"DAYDREAM_MODEL_API_KEY": "k"}, ModelChoice(OPENAI_DEFAULT, OPENAI_URL)),
        ({"name": "gpt-5"}, {"OPENAI_API_KEY": "k"}, ModelChoice("gpt-5", OPENAI_URL)),
        (
            {},
            {"OPENAI_API_KEY": "k", "DAYDREAM_MODEL_NAME": "gpt-5"},
            ModelChoice("gpt-5", OPENAI_URL),
        ),
        (
            {"name": "mine"},
            {"DAYDREAM_MODEL_NAME": "other", "OPENAI_BASE_URL": URL},
            ModelChoice("mine", URL),
        ),
        ({"base_url": URL, "name": "m"}, {"OPENAI_API_KEY": "k"}, ModelChoice("m", URL)),
        ({"base_url": URL + "/", "name": "m"}, {}, ModelChoice("m", URL)),
        (
            {"name": "m"},
            {"DAYDREAM_MODEL_BASE_URL": URL, "OPENAI_BASE_URL": "http://other/v1"},
            ModelChoice("m", URL),
        ),
    ],
)
def test_options_come_before_the_environment(
    options: dict[str, Any], env: dict[str, str], choice: ModelChoice
) -> None:
    assert chosen(env, **options) == choice


def test_a_model_file_comes_before_everything(weights: Path) -> None:
    choice = chosen({"OPENAI_API_KEY": "k"}, weights=weights, base_url=URL)
    assert choice == ModelChoice("little-model", weights=weights.absolute())


def test_a_missing_model_file_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        chosen(weights=tmp_path / "nowhere.gguf")


def test_a_server_that_does_not_answer_is_reported_before_anything_else() -> None:
    with pytest.raises(ConfigurationError, match="--base-url") as error:
        chosen(base_url=URL)
    assert error.value.problem == f"Cannot reach {URL}: connection refused"


class FakeModelServer(BaseHTTPRequestHandler):
    """A server that lists models, and stores the authorization of the last request."""

    names: tuple[str, ...] = ("only",)
    authorization: str | None = None

    def do_GET(self) -> None:
        type(self).authorization = self.headers.get("authorization")
        body = json.dumps({"data": [{"id": name} for name in self.names]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Print nothing."""


@pytest.fixture
def lister() -> Iterator[tuple[str, type[FakeModelServer]]]:
    handler = type("FakeModelServerOfOneTest", (FakeModelServer,), {})
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", handler
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_only_model_of_a_server_is_chosen(lister: tuple[str, type[FakeModelServer]]) -> None:
    url, server = lister
    assert chosen({"OPENAI_API_KEY": "k"}, base_url=url) == ModelChoice("only", url)
    assert server.authorization == "Bearer k"


def test_with_several_models_the_error_lists_them(
    lister: tuple[str, type[FakeModelServer]],
) -> None:
    url, server = lister
    server.names = ("one", "two")
    with pytest.raises(ConfigurationError, match="one, two"):
        chosen(base_url=url)
    assert chosen(base_url=url, name="two") == ModelChoice("two", url)


def test_a_server_that_does_not_answer_has_no_models() -> None:
    assert list_models(URL, timeout_s=0.5) == []


def test_the_environment_of_services_has_the_model_but_no_key() -> None:
    environment = ModelChoice("m", URL).environment()
    assert environment == {"DAYDREAM_MODEL_NAME": "m", "DAYDREAM_MODEL_BASE_URL": URL}


def test_a_small_model_gets_short_prompts_and_a_larger_one_does_not(
    weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_small.cache_clear()
    small = ModelChoice("m", URL, weights=weights).environment()
    assert small["DAYDREAM_MODEL_SHORT_ANSWERS"] == "true"
    is_small.cache_clear()
    monkeypatch.setattr(gguf_file, "SMALL_PARAMETERS", 200)
    larger = ModelChoice("m", URL, weights=weights).environment()
    assert "DAYDREAM_MODEL_SHORT_ANSWERS" not in larger
    toy = ModelChoice("m", URL, weights=weights, toy=True).environment()
    assert toy["DAYDREAM_MODEL_SHORT_ANSWERS"] == "true"


def test_a_file_that_is_no_gguf_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.gguf"
    file.write_bytes(b"no model")
    with pytest.raises(ConfigurationError, match="no GGUF file"):
        is_small(file)


def test_a_local_model_is_free_and_asked_one_call_at_a_time(weights: Path) -> None:
    environment = ModelChoice("m", URL, weights=weights).environment()
    assert environment["DAYDREAM_MODEL_FREE"] == "true"
    assert (
        environment["DAYDREAM_SYNTHESIZER_CONCURRENCY"]
        == environment["DAYDREAM_CRITIC_CONCURRENCY"]
        == "1"
    )
