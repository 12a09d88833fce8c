"""docker-compose.yml through the real Docker Compose, which parses it without an engine."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.environment import CALLS, IMAGE_OF, PAID, SERVICES, STAGES, Reader, variables_of
from deploy.programs import ROOT, Done, run, tool

KEYS = {f"DAYDREAM_GATEWAY_STAGE_KEYS_{stage.upper()}": f"key-of-{stage}" for stage in STAGES}
REQUIRED = {"DAYDREAM_MODEL_NAME": "a-model", **KEYS}


@dataclass(frozen=True)
class Compose:
    """Compose over a copy of the project's file, without the caller's own files."""

    program: Path
    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "docker-compose.yml"

    def config(self, *words: str, env: dict[str, str] | None = None) -> Done:
        environment = {
            "DOCKER_HOST": "unix:///nowhere",
            "HOME": str(self.folder),
            **(REQUIRED if env is None else env),
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
        """Return what the container gets."""
        environment: dict[str, str] = self.services(env)[service]["environment"]
        return environment


@pytest.fixture
def compose(tmp_path: Path) -> Compose:
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    (tmp_path / "gateway.env").write_text(
        "OPENAI_API_KEY=sk-provider\nMISTRAL_API_KEY=sk-mistral\n"
    )
    return Compose(tool("docker-compose"), tmp_path)


def test_docker_compose_accepts_the_file_without_a_warning(compose: Compose) -> None:
    done = compose.config("--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("DAYDREAM_MODEL_NAME", "choose a model in .env, for example DAYDREAM_MODEL_NAME="),
        *((name, "docker-compose.yml begins with how to make it") for name in KEYS),
    ],
)
def test_without_a_model_or_a_key_it_says_what_to_do(
    compose: Compose, missing: str, words: str
) -> None:
    env = {name: value for name, value in REQUIRED.items() if name != missing}
    done = compose.config("--quiet", env=env)
    assert done.returncode != 0
    assert f"{missing} is missing a value: {words}" in done.stderr


def test_without_the_file_of_provider_keys_it_names_the_file(compose: Compose) -> None:
    (compose.folder / "gateway.env").unlink()
    done = compose.config("--quiet")
    assert done.returncode != 0
    assert "gateway.env not found" in done.stderr


def test_an_unknown_key_would_be_refused(compose: Compose) -> None:
    compose.file.write_text(compose.file.read_text().replace("read_only:", "readonly:"))
    done = compose.config("--quiet")
    assert done.returncode != 0
    assert "readonly" in done.stderr


def test_it_runs_all_services_and_nats_and_the_others_only_with_their_profile(
    compose: Compose,
) -> None:
    services = compose.services()
    profiles = {
        name: service["profiles"][0]
        for name, service in services.items()
        if service.get("profiles")
    }
    assert set(services) - set(profiles) == {*SERVICES, "nats", "provision"}
    assert profiles == {
        "weaviate": "weaviate",
        "prometheus": "monitoring",
        "grafana": "monitoring",
        "collector": "traces",
        "traces": "traces",
    }


def test_ports_are_published_to_this_machine_only(compose: Compose) -> None:
    published = [
        port for service in compose.services().values() for port in service.get("ports", [])
    ]
    assert published
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_every_container_has_limits_but_none_of_processor_time(compose: Compose) -> None:
    for name, container in compose.services().items():
        assert int(container["mem_limit"]) >= 512 << 20, name
        assert container["pids_limit"] >= 512, name
        assert "cpus" not in container, name


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
    (compose.folder / "gateway.env").write_text("")
    names = {name for name, value in compose.environment(service).items() if value}
    # The command line in the console's container reads the name of the model too.
    assert names - {"DAYDREAM_MODEL_NAME"} <= variables_of(service)


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
    if service in STAGES:
        assert settings.gateway.url == "http://gateway:9090/v1"
        assert settings.gateway.key.get_secret_value() == f"key-of-{service}"


def test_the_gateway_knows_the_keys_of_providers_and_stages(compose: Compose, read: Reader) -> None:
    environment = compose.environment("gateway")
    gateway = read("gateway", environment)
    assert gateway.model.api_key.get_secret_value() == "sk-provider"
    assert gateway.stage_keys.secrets() == {stage: f"key-of-{stage}" for stage in STAGES}
    assert environment["MISTRAL_API_KEY"] == "sk-mistral"


def test_no_other_service_gets_a_key_of_a_provider(compose: Compose) -> None:
    """Also when it is in the wrong file, or in the shell."""
    wrong = "OPENAI_API_KEY=sk-wrong\nDAYDREAM_MODEL_API_KEY=sk-wrong\n"
    (compose.folder / ".env").write_text(f"{wrong}MISTRAL_API_KEY=sk-wrong\n")
    (compose.folder / "settings.env").write_text(wrong)
    services = compose.services({**REQUIRED, "OPENAI_API_KEY": "sk-shell"})
    with_a_key = {name for name, service in services.items() if "sk-" in json.dumps(service)}
    assert with_a_key == {"gateway"}
    assert services["gateway"]["environment"]["OPENAI_API_KEY"] == "sk-provider"


def test_each_stage_gets_its_own_key_and_only_the_gateway_gets_all(compose: Compose) -> None:
    for name, service in compose.services().items():
        keys = set(re.findall(r"key-of-\w+", json.dumps(service)))
        own = {f"key-of-{name}"} if name in STAGES else set()
        assert keys == (set(KEYS.values()) if name == "gateway" else own), name


def test_the_env_file_is_given_to_no_service_as_a_whole(compose: Compose, read: Reader) -> None:
    (compose.folder / ".env").write_text(
        "\n".join(f"{name}={value}" for name, value in REQUIRED.items())
        + "\nDAYDREAM_CONSOLE_TOKEN=the-token\nDAYDREAM_MEMORY_WEAVIATE_API_KEY=of-the-store\n"
    )
    services = compose.services({})
    for name, service in services.items():
        text = json.dumps(service)
        assert ("the-token" in text, "of-the-store" in text) == (
            name == "console",
            name == "memory",
        )
    assert read("critic", compose.environment("critic", {})).model.name == "a-model"


def test_the_settings_file_reaches_every_service(
    compose: Compose, read: Reader, service: str
) -> None:
    (compose.folder / "settings.env").write_text(
        "DAYDREAM_LOG_LEVEL=error\nDAYDREAM_MODEL_TEMPERATURE=0.2\n"
        "DAYDREAM_NATS_URL=nats://127.0.0.1:4222\n"
    )
    settings = read(service, compose.environment(service))
    assert settings.log_level == "error"
    # An address of the host means nothing in a container.
    assert str(settings.nats_address) == "nats://nats:4222"


def test_programs_of_the_machine_find_the_gateway_where_it_is_by_default(
    compose: Compose, read: Reader
) -> None:
    (port,) = compose.services()["gateway"]["ports"]
    url = f"http://{port['host_ip']}:{port['published']}/v1"
    assert read("critic", {}).gateway.url == url


def test_a_second_role_is_started_by_its_own_command(compose: Compose, service: str) -> None:
    command = [f"/opt/daydream/bin/daydream-{service}"] if service in IMAGE_OF else None
    assert compose.services()[service].get("entrypoint") == command


@pytest.mark.parametrize("page", ["docker-compose.yml", "docs/operations.md"])
def test_the_documented_commands_make_all_files(compose: Compose, page: str) -> None:
    lines = (ROOT / page).read_text().replace("#   ", "").splitlines()
    first = next(n for n, line in enumerate(lines) if re.match(r"echo .*> gateway.env", line))
    last = next(n for n, line in enumerate(lines) if line.startswith("docker compose up"))
    (compose.folder / "gateway.env").unlink()
    done = run("sh", "-c", "\n".join(lines[first:last]), cwd=compose.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert compose.config("--quiet", env={}).returncode == 0
    keys = re.findall(
        r"^DAYDREAM_GATEWAY_STAGE_KEYS_\w+=(\w+)$", (compose.folder / ".env").read_text(), re.M
    )
    assert len(set(keys)) == len(STAGES)


def test_a_stopping_service_has_time_to_finish_a_call(
    compose: Compose, read: Reader, service: str
) -> None:
    settings = read(service, compose.environment(service))
    minutes, _, seconds = (
        compose.services()[service]["stop_grace_period"].rstrip("s").rpartition("m")
    )
    assert settings.stop_timeout_s + 30 <= int(minutes or 0) * 60 + int(seconds)
    if service in CALLS:
        gateway = read("gateway", compose.environment("gateway"))
        call_s = gateway.patience_s + gateway.model.timeout_s
        assert settings.stop_timeout_s >= call_s + 10


def test_the_memory_keeps_its_folder_in_a_volume(compose: Compose, read: Reader) -> None:
    folder = read("memory", compose.environment("memory")).folder
    (volume,) = [
        volume
        for volume in compose.services()["memory"]["volumes"]
        if volume["target"] != "/etc/daydream"
    ]
    assert (volume["type"], volume["target"]) == ("volume", folder)
