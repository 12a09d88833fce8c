"""The job that makes streams, consumers and buckets."""

from __future__ import annotations

import pytest

from deploy.programs import REQUIRED, Helm, named


def test_streams_are_made_before_anything_else_and_with_the_right_to_do_so(helm: Helm) -> None:
    objects = helm.render("defaults.secrets={nats-users}", "nats.streamReplicas=5")
    job, settings = named(objects, "Job")["provision"], named(objects, "ConfigMap")["provision"]
    for item in (job, settings):
        hooks = item["metadata"]["annotations"]["helm.sh/hook"].split(",")
        assert hooks == ["pre-install", "pre-upgrade", "pre-rollback"]
    weights = [item["metadata"]["annotations"]["helm.sh/hook-weight"] for item in (settings, job)]
    assert weights == ["-1", "0"], "the job reads the settings"
    assert settings["data"] == {
        "DAYDREAM_NATS_URL": "tls://nats:4222",
        "DAYDREAM_NATS_NKEY_FILE": "/run/daydream/user.nk",
        "DAYDREAM_TENANT": "daydream",
        "DAYDREAM_STREAM_REPLICAS": "5",
        "DAYDREAM_STAGE_MESSAGES": "256",
        "DAYDREAM_LOG_LEVEL": "info",
    }
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == ["/opt/daydream/bin/daydream-provision"]
    assert container["envFrom"] == [
        {"configMapRef": {"name": "lab-daydream-provision"}},
        {"secretRef": {"name": "nats-users"}},  # after it, so that its URL with a password wins
    ]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize("copies", [0, 2, 4, 7])
def test_a_number_of_copies_without_a_majority_of_its_own_is_refused(
    helm: Helm, copies: int
) -> None:
    done = helm.template("--set", f"{REQUIRED},nats.streamReplicas={copies}")
    assert done.returncode != 0
    assert "streamReplicas" in done.stderr
