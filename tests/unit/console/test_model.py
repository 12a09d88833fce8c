"""Which model plays the roles: options first, then the environment, then the toy."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

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
    file = tmp_path / "little-model.gguf"
    file.write_bytes(b"GGUF")
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
def test_the_table_of_choices(
    options: dict[str, Any], env: dict[str, str], choice: ModelChoice
) -> None:
    assert chosen(env, **options) == choice


def test_weights_on_this_machine_win_over_everything(weights: Path) -> None:
    choice = chosen({"OPENAI_API_KEY": "k"}, weights=weights, base_url=URL)
    assert choice == ModelChoice("little-model", weights=weights.absolute())


def test_weights_that_are_not_there_are_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        chosen(weights=tmp_path / "nowhere.gguf")


def test_an_address_that_does_not_say_which_models_it_has_needs_a_name() -> None:
    with pytest.raises(ConfigurationError, match="--model-name") as wrong:
        chosen(base_url=URL)
    assert URL in wrong.value.what


class Models(BaseHTTPRequestHandler):
    """A server that lists models and remembers who asked."""

    names: tuple[str, ...] = ("only",)
    asked_with: str | None = None

    def do_GET(self) -> None:
        type(self).asked_with = self.headers.get("authorization")
        body = json.dumps({"data": [{"id": name} for name in self.names]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def lister() -> Iterator[tuple[str, type[Models]]]:
    kind = type("Once", (Models,), {})
    server = HTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", kind
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_only_model_of_a_server_is_taken(lister: tuple[str, type[Models]]) -> None:
    url, server = lister
    assert chosen({"OPENAI_API_KEY": "k"}, base_url=url) == ModelChoice("only", url)
    assert server.asked_with == "Bearer k"


def test_of_several_models_one_must_be_named_and_all_are_listed(
    lister: tuple[str, type[Models]],
) -> None:
    url, server = lister
    server.names = ("one", "two")
    with pytest.raises(ConfigurationError, match="one, two"):
        chosen(base_url=url)
    assert chosen(base_url=url, name="two") == ModelChoice("two", url)


def test_a_server_that_does_not_answer_has_no_models() -> None:
    assert list_models(URL, timeout_s=0.5) == []


def test_the_services_are_told_the_model_and_never_the_key() -> None:
    environment = ModelChoice("m", URL).environment()
    assert environment == {"DAYDREAM_MODEL_NAME": "m", "DAYDREAM_MODEL_BASE_URL": URL}


def test_a_model_of_this_machine_is_free_brief_and_asked_one_thing_at_a_time(weights: Path) -> None:
    environment = ModelChoice("m", URL, weights=weights).environment()
    assert environment["DAYDREAM_MODEL_FREE"] == "true"
    assert environment["DAYDREAM_MODEL_SHORT_ANSWERS"] == "true"
    assert (
        environment["DAYDREAM_SYNTHESIZER_CONCURRENCY"]
        == environment["DAYDREAM_CRITIC_CONCURRENCY"]
        == "1"
    )
