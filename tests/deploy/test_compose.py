"""docker-compose.yml through the real Docker Compose, which parses it without an engine."""

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
    """Compose over a copy of the project's file, without the caller's `.env`."""

    program: Path
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "docker-compose.yml"

    def config(self, *words: str, env: dict[str, str] | None = None) -> Done:
        environment = {
            "DOCKER_HOST": "unix:///nowhere",
            "HOME": str(self.folder),
            **(A_MODEL if env is None else env),
        }
        return run(
            self.program, "--profile", "*", "config", *words, env=environment, cwd=self.folder
        )

    def services(self, env: dict[str, str] | None = None) -> dict[str, Any]:
        done = self.config("--format", "json", env=env)
        assert done.returncode == 0, done.stderr
        services: dict[str, Any] = json.loads(done.stdout)["services"]
        return services

    def environment(self, service: str, env: dict[str, str] | None = None) -> dict[str, str]:
        """Return what the container gets, without variables that are passed through but not set."""
        return {
            name: value
            for name, value in self.services(env)[service]["environment"].items()
            if value is not None
        }


@pytest.fixture
def compose(tmp_path: Path) -> Compose:
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    return Compose(tool("docker-compose"), tmp_path)


def test_docker_compose_accepts_the_file_without_a_warning(compose: Compose) -> None:
    done = compose.config("--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_a_model_it_says_what_to_do(compose: Compose) -> None:
    done = compose.config("--quiet", env={})
    assert done.returncode != 0
    assert "choose a model in .env, for example DAYDREAM_MODEL_NAME=" in done.stderr


def test_an_unknown_key_would_be_refused(compose: Compose) -> None:
    compose.file.write_text(compose.file.read_text().replace("read_only:", "readonly:"))
    done = compose.config("--quiet")
    assert done.returncode != 0
    assert "readonly" in done.stderr


def test_it_runs_all_services_and_nats_and_weaviate_only_with_its_profile(compose: Compose) -> None:
    services = compose.services()
    assert set(services) == {*SERVICES, "nats", "weaviate"}
    assert {name for name, service in services.items() if service.get("profiles")} == {"weaviate"}


def test_ports_are_published_to_this_machine_only(compose: Compose) -> None:
    published = [
        port for service in compose.services().values() for port in service.get("ports", [])
    ]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_a_container_is_read_only_without_privileges(compose: Compose, service: str) -> None:
    container = compose.services()[service]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert container["tmpfs"] == ["/tmp"]
    assert "user" not in container  # the image sets 10001


def test_a_service_is_built_by_the_dockerfile_and_waits_for_nats(
    compose: Compose, service: str
) -> None:
    container = compose.services()[service]
    assert container["build"]["args"] == {"SERVICE": IMAGE_OF.get(service, service)}
    assert container["image"] == f"daydream-{IMAGE_OF.get(service, service)}:0.1.0"
    assert (ROOT / container["build"]["dockerfile"]).is_file()
    assert container["depends_on"]["nats"]["condition"] == "service_healthy"


def test_a_service_has_a_setting_for_every_variable_it_gets(compose: Compose, service: str) -> None:
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


def test_the_env_file_reaches_the_services(compose: Compose, read: Reader) -> None:
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


def test_a_stopping_service_has_time_to_finish_a_call(
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
        volume
        for volume in compose.services()["memory"]["volumes"]
        if volume["target"] != "/etc/daydream"
    ]
    assert (volume["type"], volume["target"]) == ("volume", folder)
