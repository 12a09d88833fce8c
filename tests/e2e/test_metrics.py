"""What running services expose is the table of metrics: all of it, and nothing else."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.parser import text_string_to_metric_families

from daydream_contracts.grants import SERVICES
from daydream_contracts.metrics import TABLE, MetricKind, metrics_of
from support.programs import Daydream, priced_endpoint, until
from support.prometheus import Prometheus, lint, prometheus

# What the client library and the SDK expose by themselves.
OWN = re.compile(r"process_\w+|target(_info)?")
EXAMPLES = 40  # verdicts
UNSEEN = {
    "daydream_saved_usd_total",  # no provider here has a batch API
    "daydream_tax",  # no foreground work
    "daydream_gateway_pace_per_second",  # nothing has to be slow
    "daydream_critic_position_bias",  # no comparisons
    "daydream_documents_left_out_total",
}
CHART = Path(__file__).parents[2] / "helm" / "daydream"
DASHBOARDS = CHART / "dashboards"
ALERTS: list[dict[str, Any]] = yaml.safe_load((CHART / "alerts" / "rules.yaml").read_text())[
    "groups"
][0]["rules"]


def port_of(pid: int, service: str) -> int:
    """Return the port of a service's HTTP side, by its environment."""
    variables = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    name = f"DAYDREAM_{service.upper()}_HTTP_PORT="
    return next(int(line.removeprefix(name)) for line in variables if line.startswith(name))


class Scraped:
    """The texts of `/metrics` of a running system: before it worked, and afterwards."""

    def __init__(self, ports: dict[str, int]) -> None:
        self.ports = ports
        self.before = self.scrape()
        self.after: dict[str, str] = {}
        self.checked = (-1, "")

    def scrape(self) -> dict[str, str]:
        return {
            service: httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
            for service, port in self.ports.items()
        }


def families(text: str) -> dict[str, Family]:
    """Return the metrics by their name; a counter's ends in `_total` here too."""
    parsed = text_string_to_metric_families(text)
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family
        for family in parsed
    }


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Scraped, Prometheus]]:
    """Run daydreams while Prometheus watches."""
    folder = tmp_path_factory.mktemp("metrics")
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(
            folder / "user",
            endpoint,
            DAYDREAM_SAMPLER_STAGES="synthesizer,critic,oracle",
            DAYDREAM_SAMPLER_CANARY_SHARE="0.2",
            DAYDREAM_CRITIC_PROMOTE_SCORE="6",
        )
        daydream.json("run", "-n", "4", "--cap", "1")
        with daydream.up(draws=True) as running:
            processes = running.processes()
            ports = {service: port_of(processes[service], service) for service in SERVICES}
            until(lambda: _ready(ports), "all services", 60)
            seen = Scraped(ports)
            with prometheus(folder / "prometheus", ports) as watching:
                running.json("ingest", str(CHART / "README.md"))
                until(lambda: len(running.verdicts()) >= EXAMPLES, "some verdicts", 120, 0.5)
                until(lambda: _shows_all(ports["console"]), "the console's view", 60, 0.5)
                watching.wait_for_scrapes()
                seen.after = seen.scrape()
                seen.checked = check_services(running)
                yield seen, watching


def check_services(running: Daydream) -> tuple[int, str]:
    """Run the script of `helm test` beside the system. Return its exit code and output."""
    programs = Path(sys.executable).parent
    done = subprocess.run(
        [sys.executable, str(CHART / "scripts" / "check_services.py")],
        env={**running.environment, "PATH": f"{programs}:{os.environ['PATH']}"},
        text=True,
        capture_output=True,
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout


def _ready(ports: dict[str, int]) -> bool:
    urls = [f"http://127.0.0.1:{port}/readyz" for port in ports.values()]
    return all(httpx.get(url, trust_env=False).status_code == 200 for url in urls)


def _shows_all(port: int) -> bool:
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text
    return 'daydream_memory_items{of="insights"}' in text and "insight_age" in text


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_exposes_what_the_table_says(
    scraped: tuple[Scraped, Prometheus], service: str
) -> None:
    exposed = families(scraped[0].after[service])
    rows = {row.exposed: row for row in metrics_of(service, TABLE)}
    assert {name for name in exposed if not OWN.fullmatch(name)} <= set(rows)
    assert {name for name, row in rows.items() if row.always} <= set(exposed)
    assert {"process_resident_memory_bytes", "process_cpu_seconds_total"} <= set(exposed)
    for name, row in rows.items():
        if name not in exposed:
            continue
        family, labels = exposed[name], {label.exposed for label in row.labels}
        assert family.type == row.kind.value, name
        assert family.documentation == row.meaning, name
        for sample in family.samples:
            assert set(sample.labels) - {"le"} <= labels, name


def test_every_row_is_exposed_by_some_service(scraped: tuple[Scraped, Prometheus]) -> None:
    names = {name for text in scraped[0].after.values() for name in families(text)}
    unseen = {row.exposed for row in TABLE} - names
    assert unseen <= UNSEEN


@pytest.mark.parametrize("service", SERVICES)
def test_a_counter_with_known_labels_begins_at_zero(
    scraped: tuple[Scraped, Prometheus], service: str
) -> None:
    before = families(scraped[0].before[service])
    for row in metrics_of(service, TABLE):
        if row.always and row.kind is MetricKind.COUNTER:
            assert before[row.exposed].samples, row.exposed


@pytest.mark.parametrize("service", SERVICES)
def test_promtool_finds_no_fault_with_the_metrics(
    scraped: tuple[Scraped, Prometheus], service: str
) -> None:
    assert lint(scraped[0].after[service]) == []


def queries() -> list[Any]:
    """Return the queries of all dashboards, with an interval that fits the test's scrapes."""
    return [
        pytest.param(
            target["expr"].replace("$__rate_interval", "30s"),
            id=f"{path.stem}: {panel['title']} {target['refId']}",
        )
        for path in sorted(DASHBOARDS.glob("*.json"))
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
    ]


@pytest.mark.parametrize("query", queries())
def test_each_query_of_a_dashboard_has_an_answer(
    scraped: tuple[Scraped, Prometheus], query: str
) -> None:
    series = scraped[1].query(query)
    assert series or any(name in query for name in UNSEEN)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_no_alert_fires_in_a_system_that_works(
    scraped: tuple[Scraped, Prometheus], alert: dict[str, Any]
) -> None:
    assert scraped[1].query(alert["expr"]) == []


def test_the_script_of_helm_test_finds_all_services(
    scraped: tuple[Scraped, Prometheus],
) -> None:
    assert scraped[0].checked == (0, "all services answer\n")
