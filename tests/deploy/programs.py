"""Run the real programs of `.tools/`."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUN_S = 60
REQUIRED = (
    "nats.urls={tls://nats:4222},nats.users.existingSecret=nats-keys,"
    "model.name=a-model,stageKeys.existingSecret=stages"
)

Object = dict[str, Any]
Done = subprocess.CompletedProcess[str]


def tool(name: str) -> Path:
    """Return a program in the version that deploy/tools.py pins, or fail the test with the fix."""
    spec = importlib.util.spec_from_file_location(
        "daydream_deploy_tools", ROOT / "deploy" / "tools.py"
    )
    assert spec is not None
    assert spec.loader is not None
    tools = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tools)
    program = next(program for program in tools.TOOLS if program.name == name)
    if not program.is_current:
        pytest.fail(
            f"{program.path} is missing or of another version. Run: python deploy/tools.py",
            pytrace=False,
        )
    return Path(program.path)


def run(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Done:
    """Run a program with PATH and `env` only, without the caller's other variables."""
    environment = {"PATH": os.environ["PATH"], **(env or {})}
    return subprocess.run(
        [str(word) for word in words],
        text=True,
        capture_output=True,
        timeout=RUN_S,
        env=environment,
        cwd=cwd,
        check=False,
    )


@dataclass
class Helm:
    """One version of Helm, with the project's chart. Caches what it renders."""

    program: Path
    home: Path
    chart: Path = ROOT / "helm" / "daydream"
    _rendered: dict[tuple[str, ...], list[Object]] = field(default_factory=dict)

    def run(self, *words: str) -> Done:
        homes = {f"HELM_{name}_HOME": str(self.home / name) for name in ("CACHE", "CONFIG", "DATA")}
        return run(self.program, *words, env={**homes, "KUBECONFIG": "/dev/null"})

    def template(self, *words: str) -> Done:
        return self.run("template", "lab", str(self.chart), "--namespace", "thinking", *words)

    def render(self, *sets: str, kubernetes: str = "1.33", values: str = "") -> list[Object]:
        """Return the objects of a release `lab` in the namespace `thinking`, with required values
        set.
        """
        words = ["--kube-version", f"{kubernetes}.0"]
        words += ["--values", str(self.chart / values)] if values else ["--set", REQUIRED]
        words += [word for value in sets for word in ("--set", value)]
        if tuple(words) not in self._rendered:
            done = self.template(*words)
            assert done.returncode == 0, done.stderr
            self._rendered[tuple(words)] = [
                item for item in yaml.safe_load_all(done.stdout) if item
            ]
        return self._rendered[tuple(words)]


def named(objects: list[Object], kind: str) -> dict[str, Object]:
    """Return the objects of a kind, by the part of their name after the release's name.

    That is the service for most of them, and "" for the release's own.
    """
    return {
        item["metadata"]["name"].removeprefix("lab-daydream").removeprefix("-"): item
        for item in objects
        if item["kind"] == kind
    }


def environment_of(objects: list[Object], service: str) -> dict[str, str]:
    """Return the environment of a service's container, with `secret` for the Secret's entry."""
    container = named(objects, "Deployment")[service]["spec"]["template"]["spec"]["containers"][0]
    maps = {item["metadata"]["name"]: item for item in objects if item["kind"] == "ConfigMap"}
    environment: dict[str, str] = {}
    for source in container["envFrom"]:
        if "configMapRef" in source:
            environment |= maps[source["configMapRef"]["name"]]["data"]
    own = {variable["name"]: variable.get("value", "secret") for variable in container["env"]}
    return {**environment, **own}
