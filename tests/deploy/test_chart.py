"""The chart through two versions of Helm, Kubernetes schemas and the services' settings classes."""

from __future__ import annotations

import copy
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from starlette.routing import Route

from daydream_runtime.health import web_app
from deploy.environment import CALLS, IMAGE_OF, PAID, SERVICES, Reader, variables_of
from deploy.network import Network, Stranger, pod_of
from deploy.programs import REQUIRED, Helm, Object, environment_of, named

PROXY_VARIABLES = {"HTTPS_PROXY", "NO_PROXY"}  # read by the HTTP clients themselves
WITH_KEDA = ("keda.enabled=true", "keda.monitoringEndpoint=nats-headless:8222")
WITH_EVERYTHING = (
    *WITH_KEDA,
    "model.existingSecret=key",
    "digests.existingSecret=digests",
    "digests.smtpPasswordKey=password",
    "networkPolicy.digestTo[0].ipBlock.cidr=10.0.0.0/8",
    "services.memory.storage.storageClassName=fast",
    "imagePullSecrets[0].name=pull",
    "defaults.priorityClassName=low",
    "defaults.nodeSelector.disk=fast",
    "defaults.tolerations[0].operator=Exists",
    "serviceAccount.annotations.id=x",
    "defaults.podAnnotations.note=x",
    "defaults.podLabels.team=x",
    "services.gateway.extraVolumes[0].name=more",
    "services.gateway.extraVolumes[0].configMap.name=more",
    "services.gateway.extraVolumeMounts[0].name=more",
    "services.gateway.extraVolumeMounts[0].mountPath=/etc/more",
    "backup.enabled=true",
    "backup.existingClaim=backups",
    "ingress.enabled=true",
    "ingress.host=dreams.lab.example",
    "ingress.tlsSecret=tls",
    "ingress.httpRoute.enabled=true",
    "ingress.httpRoute.parentRefs[0].name=lab",
    "proxy.url=http://proxy:3128",
    "config.DAYDREAM_ORACLE_LITERATURE=openalex",
    "files.panel\\.toml=x",
    "networkPolicy.natsTo[0].ipBlock.cidr=10.0.0.0/8",
    "networkPolicy.from[0].namespaceSelector.matchLabels.team=watch",
    "networkPolicy.gatewayFrom[0].podSelector.matchLabels.team=search",
    "networkPolicy.modelPorts={8000}",
    "networkPolicy.metricsFrom[0].namespaceSelector.matchLabels.team=watch",
    "monitoring.podMonitor.enabled=true",
    "monitoring.rules.enabled=true",
    "monitoring.dashboards.enabled=true",
)
KUBERNETES = ("1.29", "1.33", "1.37")


def pods(objects: list[Object]) -> dict[str, Any]:
    return {
        name: deployment["spec"]["template"]["spec"]
        for name, deployment in named(objects, "Deployment").items()
    }


def test_the_chart_lints_strictly(each_helm: Helm) -> None:
    done = each_helm.run(
        "lint",
        "--strict",
        str(each_helm.chart),
        "--values",
        str(each_helm.chart / "values-dev.yaml"),
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("sets", [(), WITH_EVERYTHING])
def test_both_helms_render_the_same_objects(
    each_helm: Helm, helm: Helm, sets: tuple[str, ...]
) -> None:
    assert each_helm.render(*sets) == helm.render(*sets)


@pytest.fixture(scope="module")
def schemas() -> ModuleType:
    """Kubernetes' schemas. The package takes seconds to import, so not with this module."""
    return import_module("kubernetes_validate")


@pytest.mark.parametrize("kubernetes", KUBERNETES)
def test_every_object_is_valid_for_kubernetes(
    helm: Helm, schemas: ModuleType, kubernetes: str
) -> None:
    for objects in (
        helm.render(kubernetes=kubernetes),
        helm.render(*WITH_EVERYTHING, kubernetes=kubernetes),
        helm.render(kubernetes=kubernetes, values="values-dev.yaml"),
    ):
        for item in objects:
            # no schema; test_autoscaling, test_monitoring and test_chart_platform assert them
            if item["kind"] not in ("ScaledObject", "PodMonitor", "PrometheusRule", "HTTPRoute"):
                schemas.validate(item, kubernetes, strict=True)


def test_kubernetes_schemas_refuse_an_unknown_field(helm: Helm, schemas: ModuleType) -> None:
    wrong = copy.deepcopy(named(helm.render(), "Deployment")["critic"])
    wrong["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 3
    with pytest.raises(schemas.ValidationError):
        schemas.validate(wrong, "1.33", strict=True)


def test_an_old_kubernetes_is_refused(each_helm: Helm) -> None:
    assert "kubeVersion" in each_helm.template("--kube-version", "1.28.0").stderr


def test_pods_meet_the_restricted_pod_security_standard(helm: Helm, service: str) -> None:
    pod = pods(helm.render(*WITH_EVERYTHING))[service]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(pod)
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= {
        "emptyDir",
        "persistentVolumeClaim",
        "configMap",
        "projected",
        "secret",
    }
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert {"cpu", "memory"} == set(container["resources"]["requests"])
    assert {"memory"} == set(container["resources"]["limits"])


def test_selectors_hold_nothing_that_changes_between_releases(helm: Helm) -> None:
    objects = helm.render(*WITH_EVERYTHING)
    for name, deployment in named(objects, "Deployment").items():
        selector = deployment["spec"]["selector"]["matchLabels"]
        assert selector == {
            "app.kubernetes.io/name": "daydream",
            "app.kubernetes.io/instance": "lab",
            "app.kubernetes.io/component": name,
        }
        assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_a_service_has_a_setting_for_every_variable_it_gets(helm: Helm, service: str) -> None:
    objects = helm.render(*WITH_EVERYTHING)
    (container,) = pods(objects)[service]["containers"]
    names = {variable["name"] for variable in container["env"]}
    assert names - PROXY_VARIABLES <= variables_of(service)
    variables = set.union(*(variables_of(name) for name in SERVICES))
    maps = named(objects, "ConfigMap")
    assert set(maps[""]["data"]) <= variables
    assert set(maps["gateway"]["data"]) <= variables_of("gateway")


def test_a_service_reads_what_the_chart_sets(helm: Helm, read: Reader, service: str) -> None:
    objects = helm.render("logLevel=debug")
    settings = read(service, environment_of(objects, service))
    assert (str(settings.nats_address), settings.log_level) == ("tls://nats:4222", "debug")
    (container,) = pods(objects)[service]["containers"]
    assert settings.http_host == "0.0.0.0"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports.pop("http") == settings.http_port
    assert ports.pop("metrics") == settings.metrics_port
    if service == "console":
        assert ports.pop("web") == settings.web_port
        assert settings.web_host == "0.0.0.0"
    assert ports == {}
    if service in PAID:
        assert settings.model.name == "a-model"
    if service == "gateway":
        # an empty value in the chart leaves the default
        assert settings.model.base_url == "https://api.openai.com/v1"


def test_config_wins_over_the_charts_own_values(helm: Helm, read: Reader) -> None:
    objects = helm.render(
        "config.DAYDREAM_CRITIC_MODEL_NAME=a-judge", "config.DAYDREAM_LOG_LEVEL=error"
    )
    critic = read("critic", environment_of(objects, "critic"))
    assert (critic.model.name, critic.log_level) == ("a-judge", "error")
    assert read("synthesizer", environment_of(objects, "synthesizer")).model.name == "a-model"


def test_entries_of_secrets_become_environment_and_win(helm: Helm) -> None:
    every = pods(helm.render("defaults.secrets={nats,keys}", "services.critic.secrets={critics}"))
    sources = {
        name: [next(iter(ref.values()))["name"] for ref in pod["containers"][0]["envFrom"]]
        for name, pod in every.items()
    }
    assert sources.pop("critic") == ["lab-daydream", "critics"], "the last one wins"
    assert sources.pop("gateway") == ["lab-daydream-gateway", "lab-daydream", "nats", "keys"]
    assert {tuple(names) for names in sources.values()} == {("lab-daydream", "nats", "keys")}


@pytest.mark.parametrize(("timeout_s", "patience_s"), [(5, 1), (120, 30), (3600, 600)])
def test_a_stopping_pod_has_time_to_finish_a_call(
    helm: Helm, read: Reader, service: str, timeout_s: int, patience_s: int
) -> None:
    objects = helm.render(f"model.timeoutS={timeout_s}", f"model.patienceS={patience_s}")
    settings = read(service, environment_of(objects, service))
    assert settings.stop_timeout_s + 30 <= pods(objects)[service]["terminationGracePeriodSeconds"]
    if service in CALLS:
        gateway = read("gateway", environment_of(objects, "gateway"))
        assert (gateway.model.timeout_s, gateway.patience_s) == (timeout_s, patience_s)
        assert settings.stop_timeout_s >= timeout_s + patience_s + 10
    else:
        assert settings.stop_timeout_s == 20


async def _ready() -> str | None:
    return None


def test_probes_use_paths_that_are_served(helm: Helm, service: str) -> None:
    routes = web_app(CollectorRegistry(), _ready, "0.0.0.0").routes
    served = {route.path for route in routes if isinstance(route, Route)}
    (container,) = pods(helm.render())[service]["containers"]
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "readiness", "liveness")
    }
    assert paths == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    assert set(paths.values()) <= served


def test_every_pod_may_look_up_names_and_reach_nats(helm: Helm, service: str) -> None:
    network = Network(helm.render("nats.urls={tls://a:4223,tls://b}"))
    for port in (53, 4222, 4223):
        assert network.sends(pod_of(service), port, Stranger())
    assert not network.sends(pod_of(service), 22, Stranger())


def test_the_chart_makes_no_secret(helm: Helm) -> None:
    assert not named(helm.render(*WITH_EVERYTHING), "Secret")


def test_one_process_has_the_memory_and_its_volume_survives_the_release(
    helm: Helm, read: Reader
) -> None:
    objects = helm.render()
    memory = named(objects, "Deployment")["memory"]["spec"]
    assert (memory["replicas"], memory["strategy"]) == (1, {"type": "Recreate"})
    folder = read("memory", environment_of(objects, "memory")).folder
    (container,) = memory["template"]["spec"]["containers"]
    assert {"name": "data", "mountPath": folder} in container["volumeMounts"]
    claims = named(objects, "PersistentVolumeClaim")
    assert list(claims) == ["memory"]
    assert claims["memory"]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


@pytest.mark.parametrize(
    ("url", "grpc_url", "ports"),
    [
        ("http://weaviate:8080", "", [8080, 50051]),
        ("https://wv.example", "https://grpc.example", [443]),
    ],
)
def test_with_weaviate_the_memory_has_no_volume_and_may_have_several_pods(
    helm: Helm, read: Reader, url: str, grpc_url: str, ports: list[int]
) -> None:
    objects = helm.render(
        f"weaviate.url={url}",
        f"weaviate.grpcUrl={grpc_url}",
        "weaviate.existingSecret=wv",
        "services.memory.replicas=3",
    )
    memory = named(objects, "Deployment")["memory"]["spec"]
    assert (memory["replicas"], memory["strategy"]["type"]) == (3, "RollingUpdate")
    assert not named(objects, "PersistentVolumeClaim")
    assert "memory" in named(objects, "PodDisruptionBudget")
    weaviate = read("memory", environment_of(objects, "memory")).weaviate
    assert (weaviate.url, weaviate.grpc_url) == (url, grpc_url)
    assert [
        name
        for name in SERVICES
        if "DAYDREAM_MEMORY_WEAVIATE_API_KEY" in environment_of(objects, name)
    ] == ["memory"]
    policy = named(objects, "NetworkPolicy")["weaviate"]["spec"]
    assert policy["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "memory"
    assert [port["port"] for port in policy["egress"][0]["ports"]] == ports


def test_an_existing_volume_claim_is_used(helm: Helm) -> None:
    objects = helm.render("services.memory.storage.existingClaim=mine")
    assert not named(objects, "PersistentVolumeClaim")
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "mine"}} in pods(objects)[
        "memory"
    ]["volumes"]


def test_files_are_mounted_and_a_change_restarts_the_pods(helm: Helm) -> None:
    objects = helm.render(
        "files.panel\\.toml=first line\nsecond: line",
        "config.DAYDREAM_CRITIC_PANEL_FILE=/etc/daydream/panel.toml",
    )
    assert named(objects, "ConfigMap")["files"]["data"] == {
        "panel.toml": "first line\nsecond: line\n"
    }
    for pod in pods(objects).values():
        (mount,) = [
            mount
            for mount in pod["containers"][0]["volumeMounts"]
            if mount["mountPath"] == "/etc/daydream"
        ]
        assert mount["readOnly"]
        assert {"name": mount["name"], "configMap": {"name": "lab-daydream-files"}} in pod[
            "volumes"
        ]
    assert not any("/etc/daydream" in str(pod) for pod in pods(helm.render()).values())
    before, after = (
        [
            deployment["spec"]["template"]["metadata"]["annotations"]
            for deployment in named(helm.render(f"files.a={text}"), "Deployment").values()
        ]
        for text in "xy"
    )
    assert all(old != new for old, new in zip(before, after, strict=True))


def test_there_is_a_disruption_budget_only_for_more_than_one_pod(helm: Helm) -> None:
    objects = helm.render("services.budget.replicas=1", "services.sampler.replicas=2", *WITH_KEDA)
    assert set(named(objects, "PodDisruptionBudget")) == {
        "sampler",
        "synthesizer",
        "critic",
        "oracle",
        "gateway",
    }


def test_only_the_console_and_the_gateway_have_a_service(helm: Helm) -> None:
    services = named(helm.render(), "Service")
    assert set(services) == {"console", "gateway"}
    for name, service in services.items():
        target = "web" if name == "console" else "http"  # health and metrics are on another port
        assert service["spec"]["ports"] == [{"name": "http", "port": 80, "targetPort": target}]


def test_changed_settings_restart_the_pods(helm: Helm, service: str) -> None:
    def checksum(*sets: str) -> str:
        return str(
            named(helm.render(*sets), "Deployment")[service]["spec"]["template"]["metadata"][
                "annotations"
            ]["checksum/config"]
        )

    assert checksum() != checksum("logLevel=debug")


def test_an_image_has_service_and_version_in_its_name_unless_replaced(helm: Helm) -> None:
    rendered = pods(
        helm.render(
            "image.repository=lab.example/daydream",
            "services.critic.image=lab.example/critic@sha256:0",
        )
    )
    assert rendered["memory"]["containers"][0]["image"] == "lab.example/daydream-memory:0.1.0"
    for name in ("critic", "oracle"):  # one image, two commands
        assert rendered[name]["containers"][0]["image"] == "lab.example/critic@sha256:0"
    for name, (container,) in ((name, pod["containers"]) for name, pod in rendered.items()):
        command = [f"daydream-{name}"] if name in IMAGE_OF else None
        assert container.get("command") == command
    for name, other in IMAGE_OF.items():
        (container,) = pods(helm.render())[name]["containers"]
        assert container["image"] == f"daydream-{other}:0.1.0"


def test_the_notes_say_how_to_set_a_cap_and_warn_without_keda(helm: Helm) -> None:
    words = [
        "install",
        "lab",
        str(helm.chart),
        "--dry-run=client",
        "--set",
        REQUIRED,
        "--set",
        ",".join(WITH_KEDA),
    ]
    notes = helm.run(*words).stdout.partition("NOTES:")[2]
    assert "budget set --lifetime" in notes
    assert "KEDA is not installed" in notes
