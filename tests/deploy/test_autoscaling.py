"""KEDA's ScaledObjects against the code's table of streams and consumers. KEDA's kind has no schema here, so it is asserted whole."""

from __future__ import annotations

import pytest

from daydream_contracts.topology import CONSUMERS, STREAMS
from deploy.environment import PAID, Reader
from deploy.programs import Helm, Object, environment_of, named

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


def test_without_keda_nothing_of_it_is_made(helm: Helm) -> None:
    assert not named(helm.render(), "ScaledObject")


def test_exactly_the_stages_that_call_a_model_are_scaled(helm: Helm) -> None:
    assert set(named(helm.render(*ON), "ScaledObject")) == set(PAID)


def test_either_keda_or_the_deployment_says_how_many_pods(helm: Helm) -> None:
    off, on = named(helm.render(), "Deployment"), named(helm.render(*ON), "Deployment")
    assert all("replicas" in one["spec"] for one in off.values())
    assert {name for name, one in on.items() if "replicas" not in one["spec"]} == set(PAID)


def test_it_has_the_shape_that_keda_reads(helm: Helm, scaled: str) -> None:
    one = named(helm.render(*ON), "ScaledObject")[scaled]
    assert one["apiVersion"] == "keda.sh/v1alpha1"
    spec = one["spec"]
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


def test_the_stream_and_the_consumer_are_those_of_the_code(helm: Helm, scaled: str) -> None:
    metadata = trigger_of(helm.render(*ON), scaled)
    (consumer,) = [one for one in CONSUMERS if one.service == scaled]
    assert (metadata["stream"], metadata["consumer"]) == (consumer.flow.stream, consumer.durable)


@pytest.mark.parametrize("concurrency", [1, 4, 32])
def test_the_threshold_is_no_more_than_a_pod_has_in_flight(
    helm: Helm, read: Reader, scaled: str, concurrency: int
) -> None:
    objects = helm.render(*ON, f"services.{scaled}.concurrency={concurrency}")
    settings = read(scaled, environment_of(objects, scaled))
    assert settings.concurrency == concurrency
    assert 1 <= int(trigger_of(objects, scaled)["lagThreshold"]) <= settings.concurrency


def test_no_more_pods_are_asked_for_than_the_stream_can_fill(helm: Helm, scaled: str) -> None:
    objects = helm.render(*ON)
    metadata = trigger_of(objects, scaled)
    (stream,) = [one for one in STREAMS if one.name == metadata["stream"]]
    assert (
        named(objects, "ScaledObject")[scaled]["spec"]["maxReplicaCount"]
        * int(metadata["lagThreshold"])
        <= stream.messages_max
    )


def test_the_sampler_draws_enough_pairs_ahead_for_the_most_synthesizers(
    helm: Helm, read: Reader
) -> None:
    """With fewer the lag could never grow large enough to bring them."""
    objects = helm.render(*ON)
    (pairs,) = [one for one in STREAMS if one.name == "PAIRS"]
    most = named(objects, "ScaledObject")["synthesizer"]["spec"]["maxReplicaCount"] * int(
        trigger_of(objects, "synthesizer")["lagThreshold"]
    )
    assert (
        most
        <= read("sampler", environment_of(objects, "sampler")).pairs_ahead
        <= pairs.messages_max
    )
