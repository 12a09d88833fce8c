"""The values of the chart are explained, and wrong ones are refused."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import yaml

from deploy.programs import REQUIRED, Helm


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        (
            "stageKeys.existingSecret=stages,model.name=a-model,nats.users.enabled=false",
            "nats.urls is required",
        ),
        (
            "stageKeys.existingSecret=stages,nats.urls={tls://nats},nats.users.enabled=false",
            "model.name is required",
        ),
        (
            "nats.urls={tls://nats:4222},nats.users.existingSecret=keys,model.name=a-model",
            "kubectl -n thinking create secret generic daydream-stage-keys",
        ),
        (
            "nats.urls={tls://nats:4222},model.name=a-model,stageKeys.existingSecret=stages",
            "daydream-nats-users --folder nats-users && kubectl -n thinking create secret generic",
        ),
        (f"{REQUIRED},nats.urls={{nats://nats:4222}}", "nats://nats:4222 is not encrypted"),
        (f"{REQUIRED},keda.enabled=true", "keda.monitoringEndpoint is required"),
    ],
)
def test_a_missing_required_value_is_named(each_helm: Helm, sets: str, words: str) -> None:
    done = each_helm.template("--set", sets)
    assert done.returncode != 0
    assert words in done.stderr


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("modell.name=x", "modell"),
        ("services.critc.replicas=1", "critc"),
        ("services.critic.replica=1", "replica"),
        ("services.memory.replicas=2", "memory"),
        ("services.critic.concurrency=0", "concurrency"),
        ("services.critic.callsModel=true", "callsModel"),
        ("services.gateway.servicePort=0", "servicePort"),
        ("nats.urls={nats:4222}", "urls"),
        ("nats.tenant=A-team", "tenant"),
        ("nats.users.kind=password", "kind"),
        ("nats.urls={nats://lab:password@nats:4222}", "urls"),
        ("model.baseUrl=https://lab:password@models.example/v1", "baseUrl"),
        ("keda.monitoringEndpoint=http://nats:8222", "monitoringEndpoint"),
        ("config.DAYDREAM_BUDGET_SNAPSHOT_COMMITS=1000000", "string"),
        ("config.NATS_URL=x", "NATS_URL"),
    ],
)
def test_the_schema_refuses_wrong_values(each_helm: Helm, wrong: str, words: str) -> None:
    done = each_helm.template("--set", REQUIRED, "--set", wrong)
    assert done.returncode != 0
    assert "schema" in done.stderr
    assert words in done.stderr


def leaves(values: Any, path: str = "") -> dict[str, Any]:
    if not isinstance(values, dict) or not values:
        return {path: values}
    return {
        name: value
        for key, inner in values.items()
        for name, value in leaves(inner, f"{path}.{key}").items()
    }


def test_every_value_is_explained(helm: Helm) -> None:
    lines = (helm.chart / "values.yaml").read_text().splitlines()
    for number, line in enumerate(lines):
        if re.match(r" *(?!requests|limits)\w+: \S", line):
            above = list(
                itertools.takewhile(
                    lambda line: line.strip().startswith("#"), reversed(lines[:number])
                )
            )
            assert above, line
            assert above[-1].strip().startswith("# -- "), line


def test_the_development_values_hold_differences_only(helm: Helm) -> None:
    defaults, dev = (
        leaves(yaml.safe_load((helm.chart / name).read_text()))
        for name in ("values.yaml", "values-dev.yaml")
    )
    assert not {name for name, value in dev.items() if defaults.get(name) == value}
