"""The Dockerfile: linted with hadolint, and consistent with the packages and the chart."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

from daydream_console.local.stack import module_of
from deploy.environment import IMAGE_OF, SERVICES, variables_of
from deploy.programs import ROOT, run, tool

RECIPE = ROOT / "deploy" / "docker" / "Dockerfile"
PACKAGES = {
    path.parent.name: tomllib.loads(path.read_text())["project"]
    for path in ROOT.glob("services/*/pyproject.toml")
}


def variables() -> dict[str, str]:
    return dict(re.findall(r"(DAYDREAM_\w+)=(\S+)", RECIPE.read_text().partition("ENV ")[2]))


def test_hadolint_finds_nothing() -> None:
    done = run(tool("hadolint"), RECIPE)
    assert done.returncode == 0, done.stdout


def test_hadolint_would_find_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(
        RECIPE.read_text().replace(
            'ENTRYPOINT ["/opt/daydream/bin/service"]', "ENTRYPOINT /opt/daydream/bin/service"
        )
    )
    assert "DL3025" in run(tool("hadolint"), wrong).stdout


def test_every_service_brings_the_command_that_the_image_links() -> None:
    assert set(PACKAGES) == set(SERVICES) - set(IMAGE_OF)
    for service, package in PACKAGES.items():
        assert package["scripts"][f"daydream-{service}"] == f"daydream_{service}.__main__:main"
    for service, other in IMAGE_OF.items():
        assert (
            PACKAGES[other]["scripts"][f"daydream-{service}"]
            == f"{module_of(service)}.__main__:main"
        )


def test_the_image_sets_only_what_the_services_read() -> None:
    assert set(variables()) <= set.union(*(variables_of(service) for service in SERVICES))
    assert variables()["DAYDREAM_MEMORY_FOLDER"] == "/data"


def test_the_image_starts_the_service_itself_and_not_as_root() -> None:
    text = RECIPE.read_text()
    assert re.findall(r"^USER (.+)$", text, re.M) == ["10001:10001"]
    assert re.findall(r"^ENTRYPOINT (.+)$", text, re.M) == ['["/opt/daydream/bin/service"]']


def test_images_and_chart_have_the_version_of_the_packages() -> None:
    version = (ROOT / "VERSION").read_text().strip()
    chart = yaml.safe_load((ROOT / "helm" / "daydream" / "Chart.yaml").read_text())
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    tags = {
        service["image"].rpartition(":")[2]
        for name, service in compose["services"].items()
        if name in SERVICES
    }
    assert {chart["version"], chart["appVersion"], *tags} == {version}
    assert all(package["dynamic"] == ["version"] for package in PACKAGES.values())
