"""The real programs of `.tools/`, as the tests run them."""

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

Object = dict[str, Any]
Done = subprocess.CompletedProcess[str]


def tool(name: str) -> Path:
    """A program in the version that deploy/tools.py pins. Without it a test fails, and says how to get it."""
    spec = importlib.util.spec_from_file_location(
        "daydream_deploy_tools", ROOT / "deploy" / "tools.py"
    )
    assert spec is not None
    assert spec.loader is not None
    tools = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tools)
    found = next(one for one in tools.TOOLS if one.name == name)
    if not found.there:
        pytest.fail(
            f"{found.path} is missing or of another version. Mend: python deploy/tools.py",
            pytrace=False,
        )
    return Path(found.path)


def run(*words: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Done:
    """Run a program with nothing of the caller's environment but its PATH: no variable of theirs takes part."""
    whole = {"PATH": os.environ["PATH"], **(env or {})}
    return subprocess.run(
        [str(word) for word in words],
        text=True,
        capture_output=True,
        timeout=RUN_S,
        env=whole,
        cwd=cwd,
        check=False,
    )


@dataclass
class Helm:
    """One Helm, over the project's chart. Renders are kept: the same values give the same objects."""

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
        """The objects of a release `lab` in the namespace `thinking`, with what is required filled in."""
        words = ["--kube-version", f"{kubernetes}.0"]
        words += (
            ["--values", str(self.chart / values)]
            if values
            else ["--set", "nats.urls={nats://nats:4222},model.name=a-model"]
        )
        words += [word for one in sets for word in ("--set", one)]
        if tuple(words) not in self._rendered:
            done = self.template(*words)
            assert done.returncode == 0, done.stderr
            self._rendered[tuple(words)] = [one for one in yaml.safe_load_all(done.stdout) if one]
        return self._rendered[tuple(words)]


def named(objects: list[Object], kind: str) -> dict[str, Object]:
    """The objects of a kind by what comes after the release's name, which is the service for most; "" for the release's own."""
    return {
        one["metadata"]["name"].removeprefix("lab-daydream").removeprefix("-"): one
        for one in objects
        if one["kind"] == kind
    }


def environment_of(objects: list[Object], service: str) -> dict[str, str]:
    """What a service's container gets as its environment, the Secret's entry as `secret`."""
    container = named(objects, "Deployment")[service]["spec"]["template"]["spec"]["containers"][0]
    own = {one["name"]: one.get("value", "secret") for one in container["env"]}
    return {**named(objects, "ConfigMap")[""]["data"], **own}
