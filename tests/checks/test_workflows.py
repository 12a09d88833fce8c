"""The workflows: linted, and in agreement with the packages and the images."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from checks import workflows
from checks.each_alone import packages
from checks.sources import ROOT

SERVICES = sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml"))


def workflow(name: str) -> dict[str, Any]:
    text = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    parsed: dict[str, Any] = yaml.safe_load(text)
    return parsed


def test_ci_runs_every_python_that_the_packages_name() -> None:
    matrix = workflow("ci")["jobs"]["check-test"]["strategy"]["matrix"]["python"]
    for folder in packages():
        text = (folder / "pyproject.toml").read_text()
        classifiers = tomllib.loads(text)["project"]["classifiers"]
        prefix = "Programming Language :: Python :: 3."
        named = [line.rpartition(" ")[2] for line in classifiers if line.startswith(prefix)]
        assert named == matrix, folder


def test_a_release_builds_an_image_of_every_service() -> None:
    matrix = workflow("release")["jobs"]["images"]["strategy"]["matrix"]
    assert matrix["service"] == SERVICES


def test_no_workflow_has_more_than_read_access_by_default() -> None:
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        assert workflow(path.stem)["permissions"] in ({}, {"contents": "read"}), path


def test_a_machine_without_actionlint_and_go_is_told_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # An empty PATH is the only way to be such a machine.
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(workflows, "TOOLS_FOLDER", tmp_path / "tools")
    assert workflows.actionlint() is None
