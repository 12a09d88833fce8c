"""KEDA's ScaledObjects against the topology. KEDA's kind has no schema here, so all of it is
asserted.
"""

from __future__ import annotations

import pytest
import yaml

from daydream_contracts.topology import CONSUMERS
from deploy.environment import PAID, Reader
from deploy.programs import REQUIRED, Helm, Object, environment_of, named

ON = ("keda.enabled=true", "keda.monitoringEndpoint=nats-headless:8222")


@pytest.fixture(params=PAID)
def scaled(request: pytest.FixtureRequest) -> str:
    """Each service that KEDA scales."""
    return str(request.param)


def trigger_of(objects: list[Object], service: str) -> dict[str, str]:
    (trigger,) = named(objects, "ScaledObject")[service]["spec"]["triggers"]
    assert (trigger["type"], trigger["metricType"]) == ("nats-jetstream", "AverageValue")
    metadata: dict[str, str] = trigger["metadata"]
    return metadata


def test_without_keda_there_is_no_scaled_object(helm: Helm) -> None:
    assert not named(helm.render(), "ScaledObject")


def test_keda_scales_exactly_the_stages_that_call_a_model(helm: Helm) -> None:
    assert set(named(helm.render(*ON), "ScaledObject")) == set(PAID)


def test_either_keda_or_the_deployment_sets_the_number_of_pods(helm: Helm) -> None:
    off, on = named(helm.render(), "Deployment"), named(helm.render(*ON), "Deployment")
    assert all("replicas" in deployment["spec"] for deployment in off.values())
    assert {name for name, deployment in on.items() if "replicas" not in deployment["spec"]} == set(
        PAID
    )


def test_a_scaled_object_has_the_fields_that_keda_reads(helm: Helm, scaled: str) -> None:
    scaled_object = named(helm.render(*ON), "ScaledObject")[scaled]
    assert scaled_object["apiVersion"] == "keda.sh/v1alpha1"
    spec = scaled_object["spec"]
    assert set(spec) == {
        "scaleTargetRef",
        "pollingInterval",
        "cooldownPeriod",
        "minReplicaCount",
        "maxReplicaCount",
        "fallback",
        "advanced",
        "triggers",
    }
    assert spec["scaleTargetRef"] == {
        "name": named(helm.render(*ON), "Deployment")[scaled]["metadata"]["name"]
    }
    assert set(spec["fallback"]) == {"failureThreshold", "replicas", "behavior"}
    down = spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
    assert down == {
        "stabilizationWindowSeconds": 300,
        "policies": [{"type": "Percent", "value": 50, "periodSeconds": 60}],
    }
    metadata = trigger_of(helm.render(*ON), scaled)
    assert set(metadata) == {
        "natsServerMonitoringEndpoint",
        "account",
        "stream",
        "consumer",
        "lagThreshold",
    }
    assert all(isinstance(value, str) for value in metadata.values())


def test_stream_and_consumer_are_those_of_the_topology(helm: Helm, scaled: str) -> None:
    metadata = trigger_of(helm.render(*ON), scaled)
    (consumer,) = [row for row in CONSUMERS if row.service == scaled]
    assert (metadata["stream"], metadata["consumer"]) == (consumer.route.stream, consumer.durable)


@pytest.mark.parametrize("concurrency", [1, 4, 32])
@pytest.mark.fault("F35", invariant="the chart scales by the lag that a pod can work on")
def test_the_lag_threshold_is_at_most_the_concurrency_of_a_pod(
    helm: Helm, read: Reader, scaled: str, concurrency: int
) -> None:
    objects = helm.render(*ON, f"services.{scaled}.concurrency={concurrency}")
    settings = read(scaled, environment_of(objects, scaled))
    assert settings.concurrency == concurrency
    assert 1 <= int(trigger_of(objects, scaled)["lagThreshold"]) <= settings.concurrency


SIZES = (
    (),  # the chart's own
    ("keda.services.critic.maxReplicas=50", "services.critic.concurrency=8"),
    ("keda.services.synthesizer.maxReplicas=125", "services.synthesizer.concurrency=8"),
)


def slots_of(objects: list[Object], service: str) -> int:
    pods: int = named(objects, "ScaledObject")[service]["spec"]["maxReplicaCount"]
    return pods * int(trigger_of(objects, service)["lagThreshold"])


def stage_messages_of(objects: list[Object]) -> int:
    return int(named(objects, "ConfigMap")["provision"]["data"]["DAYDREAM_STAGE_MESSAGES"])


@pytest.mark.parametrize("sets", SIZES)
@pytest.mark.fault("F35", invariant="a stream holds more than all replicas of its stage work on")
def test_a_stream_holds_work_for_all_pods_and_as_much_again(
    helm: Helm, scaled: str, sets: tuple[str, ...]
) -> None:
    objects = helm.render(*ON, *sets)
    assert 2 * slots_of(objects, scaled) <= stage_messages_of(objects)


@pytest.mark.parametrize("sets", SIZES)
def test_the_sampler_draws_enough_pairs_ahead_for_all_synthesizers(
    helm: Helm, read: Reader, sets: tuple[str, ...]
) -> None:
    """With fewer pairs the lag could never grow large enough to start all of them."""
    objects = helm.render(*ON, *sets)
    ahead = read("sampler", environment_of(objects, "sampler")).pairs_ahead
    assert slots_of(objects, "synthesizer") < ahead < stage_messages_of(objects)


def test_without_keda_the_replicas_say_how_many_pairs_are_drawn_ahead(
    helm: Helm, read: Reader
) -> None:
    objects = helm.render("services.synthesizer.replicas=50", "services.synthesizer.concurrency=8")
    assert read("sampler", environment_of(objects, "sampler")).pairs_ahead == 500
    assert stage_messages_of(objects) == 800


def test_the_pairs_drawn_ahead_can_be_set(helm: Helm, read: Reader) -> None:
    setting = "config.DAYDREAM_SAMPLER_PAIRS_AHEAD=7"
    done = helm.template("--set", REQUIRED, "--set-string", setting)
    objects = [item for item in yaml.safe_load_all(done.stdout) if item]
    assert read("sampler", environment_of(objects, "sampler")).pairs_ahead == 7
