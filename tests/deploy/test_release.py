"""The life of a release on a fake Kubernetes: install, test, upgrade, roll back, uninstall."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from deploy.fake_kubernetes import FakeKubernetes, running_kubernetes
from deploy.kube_objects import KEDA, PROMETHEUS
from deploy.programs import REQUIRED, ROOT, Done, Helm, run
from support.previous_version import (
    NoPreviousVersionError,
    previous_commit,
    read_archive,
)

NAMESPACE = "thinking"
CHART = ROOT / "helm" / "daydream"
SCALED = "keda.enabled=true,keda.monitoringEndpoint=nats-headless:8222"
HOOKS = {"lab-daydream-provision", "lab-daydream-test"}


@dataclass(frozen=True)
class Cluster:
    """A fake Kubernetes, and Helm as a person uses it there."""

    kubernetes: FakeKubernetes
    helm: Helm
    kubeconfig: Path

    def __call__(self, *words: str | Path, fails: bool = False) -> Done:
        """Run Helm. It must succeed unless `fails`."""
        homes = {
            f"HELM_{name}_HOME": str(self.helm.home / name) for name in ("CACHE", "CONFIG", "DATA")
        }
        environment = {**homes, "KUBECONFIG": str(self.kubeconfig)}
        done = run(self.helm.program, *words, "--namespace", NAMESPACE, env=environment)
        assert (done.returncode != 0) is fails, done.stdout + done.stderr
        return done

    def install(self, *sets: str, chart: Path = CHART, fails: bool = False) -> Done:
        """Install the release `lab`."""
        values = ("--set", ",".join((REQUIRED, *sets)))
        return self("install", "lab", chart, *values, fails=fails)

    def upgrade(self, *sets: str, chart: Path = CHART, fails: bool = False) -> Done:
        """Upgrade the release."""
        values = ("--set", ",".join((REQUIRED, *sets)))
        return self("upgrade", "lab", chart, *values, fails=fails)

    def names(self, kind: str) -> set[str]:
        """Return the objects of a kind."""
        return set(self.kubernetes.store.of_kind(kind))

    def image(self, service: str) -> str:
        """Return the image of a service."""
        deployment = self.kubernetes.store.of_kind("Deployment")[f"lab-daydream-{service}"]
        image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        return image


@pytest.fixture
def cluster(tmp_path: Path, each_helm: Helm) -> Iterator[Cluster]:
    with running_kubernetes(KEDA, *PROMETHEUS) as kubernetes:
        file = kubernetes.write_kubeconfig(tmp_path / "kubeconfig", NAMESPACE)
        yield Cluster(kubernetes, each_helm, file)


def test_a_release_is_installed_upgraded_rolled_back_and_removed(cluster: Cluster) -> None:
    notes = cluster.install(SCALED).stdout
    assert "daydream budget set" in notes
    assert "WARNING" not in notes, "KEDA was found"
    assert cluster.names("ScaledObject") == {
        f"lab-daydream-{name}" for name in ("critic", "oracle", "synthesizer")
    }
    assert len(cluster.names("Deployment")) == 8
    assert cluster.names("Job") == set(), "the job that provisions is gone when it has succeeded"
    cluster("test", "lab")
    cluster.upgrade("image.tag=2.0.0")
    assert cluster.image("sampler").endswith("-sampler:2.0.0")
    assert not cluster.names("ScaledObject")
    cluster("rollback", "lab", "1")
    assert not cluster.image("sampler").endswith(":2.0.0")
    assert len(cluster.names("ScaledObject")) == 3
    claims = cluster.names("PersistentVolumeClaim")
    cluster("uninstall", "lab")
    assert cluster.names("PersistentVolumeClaim") == claims != set(), "facts outlive the release"
    left = {
        kind for kind in ("Deployment", "Service", "Secret", "NetworkPolicy") if cluster.names(kind)
    }
    assert left == set()
    assert cluster.names("ConfigMap") <= HOOKS


def test_provisioning_comes_before_the_services(cluster: Cluster) -> None:
    cluster.install()
    order = [
        place.name
        for change, place, _ in cluster.kubernetes.store.changes
        if change == "ADDED" and place.kind.name in ("Job", "Deployment")
    ]
    assert order[0] == "lab-daydream-provision"
    assert order.count("lab-daydream-provision") == 1
    cluster.upgrade()
    jobs = [
        place.name
        for change, place, _ in cluster.kubernetes.store.changes
        if change == "ADDED" and place.kind.name == "Job"
    ]
    assert jobs == ["lab-daydream-provision"] * 2, "each upgrade provisions"


def test_the_previous_chart_is_upgraded_and_rolled_back_to(
    cluster: Cluster, tmp_path: Path
) -> None:
    try:
        archive = read_archive(previous_commit(), "helm/daydream")
    except NoPreviousVersionError as error:
        pytest.skip(f"there is no earlier chart: {error}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(tmp_path, filter="data")
    cluster.install(chart=tmp_path / "helm" / "daydream")
    as_before = ("--reset-then-reuse-values", "--set", "image.tag=2.0.0")
    cluster("upgrade", "lab", CHART, *as_before)
    assert cluster.image("critic").endswith(":2.0.0")
    cluster("rollback", "lab", "1")
    cluster("uninstall", "lab")


def test_without_keda_a_scaled_release_is_refused(tmp_path: Path, each_helm: Helm) -> None:
    with running_kubernetes() as kubernetes:
        file = kubernetes.write_kubeconfig(tmp_path / "kubeconfig", NAMESPACE)
        cluster = Cluster(kubernetes, each_helm, file)
        words = ("install", "lab", CHART, "--set", f"{REQUIRED},{SCALED}")
        refused = cluster(*words, "--disable-openapi-validation", fails=True)
        assert 'no matches for kind "ScaledObject"' in refused.stderr
        cluster.install()


def test_the_server_refuses_a_changed_selector_and_an_unknown_field(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.install()
    for template, old, new, said in (
        ("_helpers.tpl", "app.kubernetes.io/component: {{ index . 1 }}", "part: x", "immutable"),
        ("pdb.yaml", "maxUnavailable: 1", "maxUnavailabel: 1", "maxUnavailabel"),
    ):
        chart = shutil.copytree(CHART, tmp_path / said)
        file = chart / "templates" / template
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        assert said in cluster.upgrade(chart=chart, fails=True).stderr


def test_what_is_rendered_is_what_is_installed(cluster: Cluster, each_helm: Helm) -> None:
    cluster.install()
    status = yaml.safe_load(cluster("status", "lab", "--output", "yaml").stdout)
    rendered = {
        (item["kind"], item["metadata"]["name"])
        for item in each_helm.render()
        if "helm.sh/hook" not in (item["metadata"].get("annotations") or {})
    }
    stored = {
        (place.kind.name, place.name)
        for place in cluster.kubernetes.store.objects
        if place.kind.name not in ("Namespace", "Secret") and place.name not in HOOKS
    }
    assert status["info"]["status"] == "deployed"
    assert stored == rendered
