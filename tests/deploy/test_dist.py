"""The wheels, as users of `uvx`, `pipx` and `pip` get them: without the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from email.message import Message
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest

from checks.each_alone import CONSTRAINTS, UV, packages
from deploy.programs import ROOT
from support.programs import clean_environment

pytestmark = pytest.mark.slow
VERSION = (ROOT / "VERSION").read_text().strip()
INSTALL_S, RUN_S = 300, 280


def uv(*words: str | Path) -> None:
    """Run uv with the pins of the project, whose hashes it checks."""
    command = [UV, *(str(word) for word in words)]
    done = subprocess.run(
        command, cwd=ROOT, text=True, capture_output=True, timeout=INSTALL_S, check=False
    )
    assert done.returncode == 0, done.stderr


def metadata(wheel: Path) -> Message:
    with ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """One wheel for each package."""
    folder = tmp_path_factory.mktemp("wheels")
    for package in packages():
        build = ("build", "--quiet", "--wheel", "--build-constraint", CONSTRAINTS)
        uv(*build, "--out-dir", folder, package)
    return sorted(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def scripts(wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of commands of an environment that has the wheels and what they ask for."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    uv("venv", "--quiet", "--python", sys.executable, environment)
    named = [f"{wheel}[local]" if "console" in wheel.name else str(wheel) for wheel in wheels]
    python = environment / "bin" / "python"
    uv("pip", "install", "--quiet", "--constraint", CONSTRAINTS, "--python", python, *named)
    return environment / "bin"


def test_all_wheels_have_the_version_of_one_file_and_ask_for_each_other_at_it(
    wheels: list[Path],
) -> None:
    assert len(wheels) == len(packages())
    for wheel in wheels:
        described = metadata(wheel)
        assert described["Version"] == VERSION
        required = described.get_all("Requires-Dist") or []
        neighbours = {line.partition(" ;")[0] for line in required if line.startswith("daydream-")}
        unpinned = {name.partition(";")[0] for name in neighbours if "==" not in name}
        assert {f"{name}=={VERSION}" for name in unpinned} <= neighbours, wheel.name


def test_a_wheel_says_what_people_look_for_on_the_package_index(wheels: list[Path]) -> None:
    for wheel in wheels:
        described = metadata(wheel)
        assert described["License-Expression"] == "Apache-2.0"
        assert described["License-File"] == "LICENSE"
        assert described["Requires-Python"] == ">=3.11"
        assert str(described.get_payload()).startswith(f"# {described['Name']}\n")
        assert "Private :: Do Not Upload" not in described.get_all("Classifier", [])


def test_the_command_tells_its_version(scripts: Path, tmp_path: Path) -> None:
    command = [str(scripts / "daydream"), "--version"]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, check=True)
    assert done.stdout == f"daydream {VERSION}\n"


def test_installed_wheels_run_daydreams_outside_the_checkout(scripts: Path, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, PATH="/usr/bin:/bin")
    command = [str(scripts / "daydream"), "run", "-n", "1", "--data", "data", "--json"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=environment,
        text=True,
        capture_output=True,
        timeout=RUN_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["daydreams"], report["dead_letters"]) == (1, 0)
