"""Alerts, dashboards and runbooks, and how chart and compose file bring them to the programs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from opentelemetry.trace import StatusCode

from daydream_contracts.events import Decision
from daydream_contracts.metrics import TABLE, judging
from deploy.network import Network, Stranger, pod_of
from deploy.programs import ROOT, Helm, Object, named
from support.prometheus import promtool

RULES = ROOT / "helm" / "daydream" / "alerts" / "rules.yaml"
TESTS = ROOT / "tests" / "deploy" / "alerts" / "alerts_test.yaml"
RUNBOOKS = ROOT / "docs" / "runbooks"
DASHBOARDS = sorted((ROOT / "helm" / "daydream" / "dashboards").glob("*.json"))
ALL = (
    "monitoring.podMonitor.enabled=true",
    "monitoring.podMonitor.labels.release=prometheus",
    "monitoring.rules.enabled=true",
    "monitoring.dashboards.enabled=true",
)
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text())["groups"][0]["rules"]
# Metrics of others: of Prometheus, of kube-state-metrics, of the kubelet, of the client library.
FOREIGN = re.compile(r"up|kube_\w+|kubelet_\w+|process_\w+")
NAME = re.compile(r"\b(?:daydream|gen_ai|messaging|http|process|kube|kubelet)_[a-z0-9_]+\b")
EXPRESSIONS = [alert["expr"] for alert in ALERTS] + [
    target["expr"]
    for path in DASHBOARDS
    for panel in json.loads(path.read_text())["panels"]
    for target in panel["targets"]
]
# Labels that Prometheus, kube-state-metrics or the kubelet add.
SCRAPED = {"component", "instance", "job", "le", "namespace", "deployment", "persistentvolumeclaim"}
SECTIONS = (
    "## What it means",
    "## What to look at",
    "## What to do",
    "## How to see that it is over",
)


def labels() -> set[str]:
    return {label.exposed for row in TABLE for label in row.labels}


def exposed() -> set[str]:
    return {name for row in TABLE for name in row.series}


def test_promtool_accepts_the_rules() -> None:
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_not_otherwise() -> None:
    done = promtool("test", "rules", TESTS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_test_that_fires_it_and_one_that_does_not() -> None:
    cases = [
        case
        for test in yaml.safe_load(TESTS.read_text())["tests"]
        for case in test["alert_rule_test"]
    ]
    names = {alert["alert"] for alert in ALERTS}
    assert {case["alertname"] for case in cases if case["exp_alerts"]} == names
    assert {case["alertname"] for case in cases if not case["exp_alerts"]} == names


def test_a_rule_that_is_wrong_would_be_found(tmp_path: Path) -> None:
    wrong = RULES.read_text().replace(") > 2", ") > 4")
    (tmp_path / "rules.yaml").write_text(wrong)
    tests = TESTS.read_text().replace("../../../helm/daydream/alerts/rules.yaml", "rules.yaml")
    (tmp_path / "tests.yaml").write_text(tests)
    assert promtool("test", "rules", tmp_path / "tests.yaml").returncode == 1


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_each_alert_has_a_runbook_that_is_in_the_site(alert: dict[str, Any]) -> None:
    page = ROOT / alert["annotations"]["runbook_url"]
    text = page.read_text()
    assert text.startswith(f"# {alert['alert']}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == list(SECTIONS)
    assert "```sh" in text.split(SECTIONS[1])[1].split(SECTIONS[2])[0], "what to look at"
    assert f"runbooks/{page.name}" in (ROOT / "mkdocs.yml").read_text()
    assert f"[{alert['alert']}]({page.name})" in (RUNBOOKS / "index.md").read_text()


def test_each_runbook_is_of_an_alert() -> None:
    pages = {f"docs/runbooks/{page.name}" for page in RUNBOOKS.glob("*.md")}
    assert pages - {"docs/runbooks/index.md"} == {
        alert["annotations"]["runbook_url"] for alert in ALERTS
    }


@pytest.mark.parametrize(
    "text", [RULES.read_text(), *(path.read_text() for path in DASHBOARDS)], ids=lambda _: ""
)
def test_alerts_and_dashboards_use_metrics_that_exist(text: str) -> None:
    used = {name for name in NAME.findall(text) if not FOREIGN.fullmatch(name)}
    assert used <= exposed() | labels()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_alerts_and_dashboards_use_labels_that_exist(expression: str) -> None:
    grouped = re.findall(r"(?:by|on|ignoring) \(([^)]*)\)", expression)
    matched = re.findall(r"(\w+)(?:=~|!~|!=|=)\"", expression)
    used = {name.strip() for group in grouped for name in group.split(",")} | set(matched)
    assert used <= labels() | SCRAPED


def test_the_collector_keeps_what_services_mark() -> None:
    config = yaml.safe_load((ROOT / "deploy" / "otel" / "collector.yaml").read_text())
    sampling = config["processors"]["tail_sampling"]
    policies = {policy["type"]: policy for policy in sampling["policies"]}
    promoted = policies["string_attribute"]["string_attribute"]
    assert promoted == {"key": judging.DECISION.name, "values": [Decision.PROMOTED.value]}
    assert policies["status_code"]["status_code"]["status_codes"] == [StatusCode.ERROR.name]
    assert "tail_sampling" in config["service"]["pipelines"]["traces"]["processors"]


def test_the_dashboards_are_those_of_their_tables() -> None:
    program = ROOT / "deploy" / "dashboards.py"
    scope: dict[str, Any] = {"__file__": str(program), "__name__": "dashboards"}
    exec(compile(program.read_text(), str(program), "exec"), scope)
    assert [path.stem for path in DASHBOARDS] == scope["names"]()
    for path in DASHBOARDS:
        assert path.read_text() == scope["text"](path.stem), "make reference"


def of_kind(objects: list[Object], kind: str) -> Object:
    (item,) = (item for item in objects if item["kind"] == kind)
    return item


def test_the_chart_makes_none_of_it_unless_asked(helm: Helm) -> None:
    objects = helm.render()
    assert not {"PodMonitor", "PrometheusRule"} & {item["kind"] for item in objects}
    assert not [name for name in named(objects, "ConfigMap") if "dashboard" in name]


def test_the_pod_monitor_scrapes_a_port_that_all_pods_have(each_helm: Helm) -> None:
    objects = each_helm.render(*ALL)
    monitor = of_kind(objects, "PodMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    for deployment in named(objects, "Deployment").values():
        template = deployment["spec"]["template"]
        selector = monitor["spec"]["selector"]["matchLabels"]
        assert selector.items() <= template["metadata"]["labels"].items()
        (container,) = template["spec"]["containers"]
        assert endpoint["port"] in {port["name"] for port in container["ports"]}


def test_the_rules_of_the_chart_are_those_of_the_file(each_helm: Helm, tmp_path: Path) -> None:
    spec = of_kind(each_helm.render(*ALL), "PrometheusRule")["spec"]
    assert spec == yaml.safe_load(RULES.read_text())
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(spec))
    assert promtool("check", "rules", tmp_path / "rules.yaml").returncode == 0


def test_alerts_can_be_left_out_and_name_pages_of_your_site(helm: Helm) -> None:
    objects = helm.render(
        *ALL,
        "monitoring.rules.disabled={DaydreamNoInsight}",
        "monitoring.rules.runbooksUrl=https://docs.example/runbooks/",
    )
    rules = of_kind(objects, "PrometheusRule")["spec"]["groups"][0]["rules"]
    assert {alert["alert"] for alert in ALERTS} - {rule["alert"] for rule in rules} == {
        "DaydreamNoInsight"
    }
    urls = {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rules}
    assert urls["DaydreamDeadLetters"] == "https://docs.example/runbooks/dead-letters/"


def test_each_dashboard_is_a_config_map_that_the_sidecar_finds(helm: Helm) -> None:
    maps = named(helm.render(*ALL), "ConfigMap")
    for path in DASHBOARDS:
        item = maps[f"dashboard-{path.stem}"]
        assert item["metadata"]["labels"]["grafana_dashboard"] == "1"
        (content,) = item["data"].values()
        assert json.loads(content) == json.loads(path.read_text())


def test_only_named_peers_reach_the_metrics(helm: Helm, service: str) -> None:
    prometheus = Stranger({"namespaceSelector": {"matchLabels": {"team": "watch"}}})
    peer = "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=watch"
    closed, opened = Network(helm.render()), Network(helm.render(peer))
    pod = pod_of(service)
    assert not closed.receives(pod, prometheus, "metrics")
    assert opened.receives(pod, prometheus, "metrics")
    assert not opened.receives(pod, Stranger(), "metrics")


def test_the_pod_of_helm_test_asks_as_the_console(each_helm: Helm) -> None:
    objects = each_helm.render()
    pod = of_kind(objects, "Pod")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    (container,) = pod["spec"]["containers"]
    script = (ROOT / "helm" / "daydream" / "scripts" / "check_services.py").read_text()
    assert container["args"] == [script]
    (console,) = named(objects, "Deployment")["console"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == console["image"]
    keys = [volume for volume in pod["spec"]["volumes"] if volume["name"] == "nats"]
    (source,) = keys[0]["projected"]["sources"]
    assert source["secret"]["items"] == [{"key": "console.nk", "path": "user.nk"}]


def test_prometheus_of_the_compose_file_scrapes_the_services_and_reads_the_rules() -> None:
    config = ROOT / "deploy" / "prometheus" / "prometheus.yml"
    done = promtool("check", "config", "--syntax-only", config)
    assert done.returncode == 0, done.stdout + done.stderr
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    mounted = "\n".join(compose["services"]["prometheus"]["volumes"])
    assert "./helm/daydream/alerts/rules.yaml:/etc/prometheus/rules.yaml:ro" in mounted
    (job,) = yaml.safe_load(config.read_text())["scrape_configs"]
    (discovery,) = job["dns_sd_configs"]
    assert str(discovery["port"]) == compose["x-environment"]["DAYDREAM_METRICS_PORT"]
    assert set(discovery["names"]) <= set(compose["services"])
