"""Run Debian's Prometheus and promtool against services on this machine."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from support.programs import answers, until

SCRAPE_S = 1
FIX = "make .tools/prometheus"


def program(name: str) -> str:
    """Return the path of promtool or prometheus, or fail the test with the fix."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is missing. Run: {FIX}", pytrace=False)
    return path


def promtool(*words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool."""
    return subprocess.run(
        [program("promtool"), *map(str, words)],
        input=stdin,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


def lint(metrics: str) -> list[str]:
    """Return what promtool says against a page of metrics."""
    return promtool("check", "metrics", stdin=metrics).stderr.splitlines()


@dataclass(frozen=True)
class Prometheus:
    """A Prometheus that scrapes every second."""

    url: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the series of an expression. Fail for one that is not valid."""
        answer = httpx.get(
            f"{self.url}/api/v1/query", params={"query": expression}, trust_env=False
        ).json()
        assert answer["status"] == "success", (expression, answer)
        series: list[dict[str, Any]] = answer["data"]["result"]
        return series

    def wait_for_scrapes(self) -> None:
        """Wait until each target was scraped some times, so that rates have values."""
        until(
            lambda: all(
                float(series["value"][1]) >= 4
                for series in self.query("count_over_time(up[1h])") or [{"value": (0, 0)}]
            ),
            "some scrapes of each service",
            30,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def prometheus(folder: Path, ports: Mapping[str, int]) -> Iterator[Prometheus]:
    """Run Prometheus, which scrapes these services."""
    folder.mkdir()
    scrape = {
        "job_name": "daydream",
        "scrape_interval": f"{SCRAPE_S}s",
        "static_configs": [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"component": name}}
            for name, port in ports.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump({"scrape_configs": [scrape]}))
    port = _free_port()
    running = subprocess.Popen(
        [
            program("prometheus"),
            f"--config.file={folder}/prometheus.yml",
            f"--storage.tsdb.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    watching = Prometheus(f"http://127.0.0.1:{port}")
    try:
        until(lambda: _answers(watching), "Prometheus", 30)
        yield watching
    finally:
        running.terminate()
        running.wait(timeout=30)


def _answers(watching: Prometheus) -> bool:
    # until it has read its log it answers each query with 503
    return answers(f"{watching.url}/-/ready") and bool(watching.query("up"))
