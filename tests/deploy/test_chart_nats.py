"""In the chart each pod connects to NATS with its own key, encrypted, under its tenant's names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daydream_contracts import grants
from daydream_contracts.permissions import USERS
from daydream_contracts.tenant import to_tenant
from daydream_contracts.topology import CONSUMERS
from daydream_runtime.nats_users_command import main
from deploy.environment import PAID, SERVICES, STAGES, Reader
from deploy.network import Network, pod_of
from deploy.programs import REQUIRED, Helm, Object, environment_of, named

WITH_TLS = ("nats.tls.existingSecret=nats-ca", "nats.tls.clientSecret=nats-client")
KEDA = ("keda.enabled=true", "keda.monitoringEndpoint=nats-headless:8222")


def pods_of(objects: list[Object]) -> dict[str, Any]:
    workloads = named(objects, "Deployment") | named(objects, "Job")
    return {name: item["spec"]["template"]["spec"] for name, item in workloads.items()}


def files_of(pod: Any) -> set[tuple[str, str, str]]:
    """Return (Secret, entry, path) of each file that a pod gets for NATS."""
    mounts = {row["name"]: row["mountPath"] for row in pod["containers"][0]["volumeMounts"]}
    return {
        (part["secret"]["name"], row["key"], f"{mounts['nats']}/{row['path']}")
        for volume in pod["volumes"]
        if volume["name"] == "nats"
        for part in volume["projected"]["sources"]
        for row in part["secret"]["items"]
    }


def test_each_pod_gets_the_key_of_its_own_user_and_no_other(each_helm: Helm) -> None:
    pods = pods_of(each_helm.render())
    assert set(pods) == set(USERS) - {grants.BACKUP}
    for user, pod in pods.items():
        assert files_of(pod) == {("nats-keys", f"{user}.nk", "/run/daydream/user.nk")}
        assert pod["securityContext"]["fsGroup"] == 10001, "the key is readable for the group"


def test_the_secret_has_an_entry_for_each_file_that_the_command_writes(tmp_path: Path) -> None:
    assert main(["--folder", str(tmp_path)]) == 0
    assert {file.stem for file in tmp_path.glob("*.nk")} == set(USERS)


def test_one_service_may_have_a_secret_of_its_own(helm: Helm) -> None:
    pods = pods_of(helm.render("services.critic.natsSecret=critic-key"))
    assert {name for name, _, _ in files_of(pods["critic"])} == {"critic-key"}
    assert {name for name, _, _ in files_of(pods["oracle"])} == {"nats-keys"}


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_its_files_where_they_are(helm: Helm, read: Reader, service: str) -> None:
    objects = helm.render(*WITH_TLS, "nats.tenant=acme")
    login = read(service, environment_of(objects, service)).nats_address.login
    paths = {path for _, _, path in files_of(pods_of(objects)[service])}
    files = (login.nkey_file, login.ca_file, login.certificate_file, login.certificate_key_file)
    assert {str(file) for file in files} == paths
    assert (login.tenant, login.allow_plain) == ("acme", False)


def test_credentials_may_take_the_place_of_keys(helm: Helm, read: Reader) -> None:
    objects = helm.render("nats.users.kind=creds")
    login = read("memory", environment_of(objects, "memory")).nats_address.login
    assert (login.nkey_file, str(login.credentials_file)) == (None, "/run/daydream/user.creds")
    expected = {("nats-keys", "memory.creds", "/run/daydream/user.creds")}
    assert files_of(pods_of(objects)["memory"]) == expected


def test_without_users_and_certificates_no_pod_has_files_for_nats(helm: Helm) -> None:
    pods = pods_of(helm.render("nats.users.enabled=false"))
    assert not any("/run/daydream" in str(pod) for pod in pods.values())


def test_a_plain_url_needs_a_word(each_helm: Helm, read: Reader) -> None:
    plain = f"{REQUIRED},nats.urls={{nats://nats:4222}}"
    assert each_helm.template("--set", plain).returncode != 0
    for allowed in ("nats.allowPlain=true", "nats.tls.existingSecret=nats-ca"):
        assert each_helm.template("--set", f"{plain},{allowed}").returncode == 0
    objects = each_helm.render("nats.urls={nats://nats:4222}", "nats.allowPlain=true")
    assert read("critic", environment_of(objects, "critic")).nats_address.login.allow_plain


def test_the_notes_warn_of_a_nats_without_users_or_encryption(helm: Helm) -> None:
    def notes(*sets: str) -> str:
        words = ("install", "lab", str(helm.chart), "--namespace", "n", "--dry-run=client")
        text = helm.run(*words, "--set", ",".join([REQUIRED, *sets])).stdout
        return text.partition("NOTES:")[2]

    assert "--from-file=nats-users" in notes()
    assert "WARNING" not in notes()
    assert "no users in NATS" in notes("nats.users.enabled=false")
    assert "not encrypted" in notes("nats.allowPlain=true")


@pytest.mark.parametrize("tenant", ["daydream", "acme"])
def test_keda_looks_at_the_streams_of_the_tenant(helm: Helm, tenant: str) -> None:
    scaled = named(helm.render(*KEDA, f"nats.tenant={tenant}"), "ScaledObject")
    for service in PAID:
        (trigger,) = scaled[service]["spec"]["triggers"]
        (consumer,) = [row for row in CONSUMERS if row.service == service]
        stream = to_tenant(tenant).stream(consumer.route.stream)
        assert (trigger["metadata"]["stream"], trigger["metadata"]["consumer"]) == (
            stream,
            consumer.durable,
        )


def test_network_policies_know_the_services_of_the_table_and_those_that_ask_models(
    helm: Helm,
) -> None:
    """The only connections between pods are to the gateway. All else goes through NATS."""
    objects = helm.render()
    assert set(named(objects, "Deployment")) == set(grants.SERVICES)
    network = Network(objects)
    for service in grants.SERVICES:
        for other in set(grants.SERVICES) - {service}:
            may = service in STAGES and other == "gateway"
            assert network.sends(pod_of(service), 9090, pod_of(other)) == may, (service, other)
