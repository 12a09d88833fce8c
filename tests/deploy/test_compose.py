"""docker-compose.yml through the real Docker Compose, which needs no engine to say what it understands."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.environment import IMAGE_OF, PAID, SERVICES, Reader, variables_of
from deploy.programs import ROOT, Done, run, tool

A_MODEL = {"DAYDREAM_MODEL_NAME": "a-model"}


@dataclass(frozen=True)
class Compose:
    """Compose over a copy of the project's file, away from any `.env` of the caller's."""

    program: Path
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "docker-compose.yml"

    def config(self, *words: str, env: dict[str, str] | None = None) -> Done:
        given = {
            "DOCKER_HOST": "unix:///nowhere",
            "HOME": str(self.folder),
            **(A_MODEL if env is None else env),
        }
        return run(self.program, "--profile", "*", "config", *words, env=given, cwd=self.folder)

    def services(self, env: dict[str, str] | None = None) -> dict[str, Any]:
        done = self.config("--format", "json", env=env)
        assert done.returncode == 0, done.stderr
        services: dict[str, Any] = json.loads(done.stdout)["services"]
        return services

    def environment(self, service: str, env: dict[str, str] | None = None) -> dict[str, str]:
        """What the container gets; what only passes through and isn't there is left out."""
        return {
            name: value
            for name, value in self.services(env)[service]["environment"].items()
            if value is not None
        }


@pytest.fixture
def compose(tmp_path: Path) -> Compose:
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    return Compose(tool("docker-compose"), tmp_path)


def test_docker_compose_accepts_the_file_and_has_nothing_to_warn_of(compose: Compose) -> None:
    done = compose.config("--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_model_it_says_what_to_do(compose: Compose) -> None:
    done = compose.config("--quiet", env={})
    assert done.returncode != 0
    assert "choose a model in .env, for example DAYDREAM_MODEL_NAME=" in done.stderr


def test_a_misspelt_key_would_be_refused(compose: Compose) -> None:
    compose.file.write_text(compose.file.read_text().replace("read_only:", "readonly:"))
    done = compose.config("--quiet")
    assert done.returncode != 0
    assert "readonly" in done.stderr


def test_it_runs_the_six_services_over_nats_and_weaviate_only_when_asked(compose: Compose) -> None:
    services = compose.services()
    assert set(services) == {*SERVICES, "nats", "weaviate"}
    assert {name for name, one in services.items() if one.get("profiles")} == {"weaviate"}


def test_ports_are_published_to_this_machine_only(compose: Compose) -> None:
    published = [port for one in compose.services().values() for port in one.get("ports", [])]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_a_container_can_write_nowhere_and_gain_nothing(compose: Compose, service: str) -> None:
    one = compose.services()[service]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["tmpfs"] == ["/tmp"]
    assert "user" not in one  # the image says 10001


def test_a_service_is_built_by_the_one_recipe_and_waits_for_nats(
    compose: Compose, service: str
) -> None:
    one = compose.services()[service]
    assert one["build"]["args"] == {"SERVICE": IMAGE_OF.get(service, service)}
    assert one["image"] == f"daydream-{IMAGE_OF.get(service, service)}:0.1.0"
    assert (ROOT / one["build"]["dockerfile"]).is_file()
    assert one["depends_on"]["nats"]["condition"] == "service_healthy"


def test_a_service_knows_every_variable_that_it_gets(compose: Compose, service: str) -> None:
    names = set(compose.services()[service]["environment"])
    assert names - {"OPENAI_API_KEY", "OPENAI_BASE_URL"} <= variables_of(service)


def test_a_service_reads_what_it_needs_in_its_container(
    compose: Compose, read: Reader, service: str
) -> None:
    settings = read(service, compose.environment(service))
    assert (str(settings.nats_address), settings.http_host, settings.http_port) == (
        "nats://nats:4222",
        "0.0.0.0",
        9090,
    )
    if service in PAID:
        assert settings.model.name == "a-model"


def test_whatever_stands_in_the_env_file_reaches_the_services(
    compose: Compose, read: Reader
) -> None:
    (compose.folder / ".env").write_text(
        "DAYDREAM_MODEL_NAME=from-file\nOPENAI_API_KEY=a-key\nDAYDREAM_CRITIC_PROMOTE_SCORE=8\nDAYDREAM_NATS_URL=nats://127.0.0.1:4222\n"
    )
    critic = read("critic", compose.environment("critic", env={}))
    assert (critic.model.name, critic.model.api_key.get_secret_value(), critic.promote_score) == (
        "from-file",
        "a-key",
        8,
    )
    assert (
        str(critic.nats_address) == "nats://nats:4222"
    )  # an address of the host means nothing in a container


def test_a_stopping_service_has_time_for_a_call_and_is_not_killed_before(
    compose: Compose, read: Reader, service: str
) -> None:
    settings = read(service, compose.environment(service))
    minutes, _, seconds = (
        compose.services()[service]["stop_grace_period"].rstrip("s").rpartition("m")
    )
    assert settings.stop_timeout_s + 30 <= int(minutes or 0) * 60 + int(seconds)
    if service in PAID:
        assert settings.stop_timeout_s > settings.model.timeout_s


def test_the_memory_keeps_its_folder_in_a_volume(compose: Compose, read: Reader) -> None:
    folder = read("memory", compose.environment("memory")).folder
    (volume,) = [
        one for one in compose.services()["memory"]["volumes"] if one["target"] != "/etc/daydream"
    ]
    assert (volume["type"], volume["target"]) == ("volume", folder)
