"""In the chart only the gateway has keys of providers and reaches models, and each stage has its
own key at the gateway.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import SecretStr

from daydream_budget.gateway.settings import StageKeys
from deploy.environment import SERVICES, STAGES, Reader, settings_class
from deploy.network import Network, Stranger, pod_of
from deploy.programs import REQUIRED, ROOT, Helm, Object, environment_of, named, run

HTTP_PORT = 9090
ELSEWHERE = Stranger()
PROMETHEUS = Stranger({"namespaceSelector": {"matchLabels": {"team": "watch"}}})
PROGRAM = Stranger({"namespaceSelector": {"matchLabels": {"team": "search"}}})
PEERS = (
    "networkPolicy.from[0].namespaceSelector.matchLabels.team=watch",
    "networkPolicy.gatewayFrom[0].namespaceSelector.matchLabels.team=search",
)
WITH_SECRETS = (
    "model.existingSecret=provider",
    "weaviate.url=http://weaviate:8080",
    "weaviate.existingSecret=store",
    "defaults.secrets={broker}",
    "services.gateway.secrets={broker,further}",
)


def secrets_in(item: Any, variable: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield (Secret, entry, variable) of each reference in an object; "*" for all entries."""
    if isinstance(item, list):
        for inner in item:
            yield from secrets_in(inner, variable)
    if isinstance(item, dict):
        for key, inner in item.items():
            if key == "secretKeyRef":
                yield inner["name"], inner["key"], variable
            elif key == "secretRef":
                yield inner["name"], "*", ""
            elif key == "secret":  # a part of a projected volume
                yield from ((inner["name"], row["key"], row["path"]) for row in inner["items"])
            elif key == "secretName":
                raise AssertionError(f"a whole Secret as files: {inner}")
            else:
                yield from secrets_in(inner, str(item.get("name", "")))


def readers_of(objects: list[Object]) -> dict[str, set[tuple[str, str, str]]]:
    """Return (reader, entry, variable) of each reference, by Secret. Readers are Deployments,
    the job that provisions, and the pod of `helm test`.
    """
    readers = defaultdict(set)
    for item in objects:
        for secret, entry, variable in secrets_in(item):
            assert item["kind"] in ("Deployment", "Job", "Pod")
            service = item["metadata"]["labels"]["app.kubernetes.io/component"]
            readers[secret].add((service, entry, variable))
    return readers


def test_exactly_the_gateway_has_keys_of_providers(each_helm: Helm) -> None:
    readers = readers_of(each_helm.render(*WITH_SECRETS))
    assert readers["provider"] == {("gateway", "api-key", "DAYDREAM_MODEL_API_KEY")}
    assert readers["further"] == {("gateway", "*", "")}


def test_each_stage_has_its_own_key_and_the_gateway_has_all(each_helm: Helm) -> None:
    own = {(stage, stage, "DAYDREAM_GATEWAY_KEY") for stage in STAGES}
    all_of_them = {
        ("gateway", stage, f"DAYDREAM_GATEWAY_STAGE_KEYS_{stage.upper()}") for stage in STAGES
    }
    assert readers_of(each_helm.render(*WITH_SECRETS))["stages"] == own | all_of_them


def test_the_walk_meets_every_secret(helm: Helm) -> None:
    readers = readers_of(helm.render(*WITH_SECRETS))
    assert set(readers) == {"provider", "further", "stages", "store", "broker", "nats-keys"}
    assert {service for service, _, _ in readers["broker"]} == {*SERVICES, "provision", "test"}
    assert {service for service, _, _ in readers["store"]} == {"memory"}


def test_the_stages_of_the_chart_are_those_that_the_gateway_knows() -> None:
    assert set(StageKeys.model_fields) == set(STAGES)


def test_a_stage_and_the_gateway_read_what_the_chart_sets(helm: Helm, read: Reader) -> None:
    objects = helm.render(
        *WITH_SECRETS,
        "model.baseUrl=http://vllm:8000/v1",
        "model.priceList=mistral",
        "model.free=true",
        "model.timeoutS=90",
        "model.patienceS=20",
    )
    gateway = read("gateway", environment_of(objects, "gateway"))
    assert gateway.stage_keys.secrets() == dict.fromkeys(StageKeys.model_fields, "secret")
    provider = gateway.model
    assert provider.api_key.get_secret_value() == "secret"
    assert (provider.base_url, provider.price_list) == ("http://vllm:8000/v1", "mistral")
    assert (provider.free, provider.timeout_s, gateway.patience_s) == (True, 90, 20)
    assert provider.name == "default"
    for stage in STAGES:
        address = read(stage, environment_of(objects, stage)).gateway
        assert address.key.get_secret_value() == "secret"
        assert address.url == "http://lab-daydream-gateway/v1"


def test_only_the_gateway_knows_the_provider(helm: Helm, service: str) -> None:
    url = "http://vllm:8000/v1"
    environment = environment_of(helm.render(f"model.baseUrl={url}"), service)
    assert (url in environment.values()) is (service == "gateway")


def test_config_wins_at_the_gateway_too(helm: Helm, read: Reader) -> None:
    objects = helm.render("model.priceList=openai", "config.DAYDREAM_MODEL_PRICE_LIST=mistral")
    assert read("gateway", environment_of(objects, "gateway")).model.price_list == "mistral"


def test_the_gateways_url_leads_to_its_service(helm: Helm) -> None:
    objects = helm.render("services.gateway.servicePort=8080")
    (port,) = named(objects, "Service")["gateway"]["spec"]["ports"]
    assert port == {"name": "http", "port": 8080, "targetPort": "http"}
    assert named(objects, "Service")["gateway"]["spec"]["selector"] == pod_of("gateway")
    url = environment_of(objects, "critic")["DAYDREAM_GATEWAY_URL"]
    assert url == "http://lab-daydream-gateway:8080/v1"


@pytest.mark.parametrize("extra", [(), PEERS])
def test_only_the_gateway_reaches_models(each_helm: Helm, extra: tuple[str, ...]) -> None:
    ports = ("model.baseUrl=http://vllm:8000/v1", "networkPolicy.modelPorts={443}")
    network = Network(each_helm.render(*ports, *extra))
    for port in (443, 8000):
        assert {name for name in SERVICES if network.sends(pod_of(name), port, ELSEWHERE)} == {
            "gateway"
        }


@pytest.mark.parametrize(
    ("url", "port"),
    [("", 443), ("https://models.example/v1", 443), ("http://models.example/v1", 80)],
)
def test_egress_to_a_model_is_to_the_port_of_its_url(helm: Helm, url: str, port: int) -> None:
    network = Network(helm.render(f"model.baseUrl={url}"))
    reached = {
        number
        for number in (80, 443, 8000, HTTP_PORT)
        if network.sends(pod_of("gateway"), number, ELSEWHERE)
    }
    assert reached == {port}


def test_models_can_be_narrowed_to_peers(helm: Helm) -> None:
    peer = Stranger({"ipBlock": {"cidr": "10.1.0.0/16"}})
    network = Network(helm.render("networkPolicy.modelTo[0].ipBlock.cidr=10.1.0.0/16"))
    assert network.sends(pod_of("gateway"), 443, peer)
    assert not network.sends(pod_of("gateway"), 443, ELSEWHERE)


def test_a_stage_reaches_the_gateway_and_no_other_service(helm: Helm, service: str) -> None:
    network = Network(helm.render())
    reached = {name for name in SERVICES if network.sends(pod_of(service), HTTP_PORT, pod_of(name))}
    assert reached == ({"gateway"} if service in STAGES else set())
    assert network.receives(pod_of("gateway"), pod_of(service)) is (service in STAGES)


def test_other_programs_reach_the_gateway_only_by_name(each_helm: Helm) -> None:
    closed, opened = Network(each_helm.render()), Network(each_helm.render(*PEERS))
    peers = (ELSEWHERE, PROMETHEUS, PROGRAM)
    assert not any(closed.receives(pod_of("gateway"), peer) for peer in peers)
    assert [opened.receives(pod_of("gateway"), peer) for peer in peers] == [False, False, True]
    assert not opened.receives(pod_of("gateway"), pod_of("console"))


def test_page_and_health_are_reached_by_all_or_by_named_peers(helm: Helm, service: str) -> None:
    if service == "gateway":
        return  # the test above
    closed, opened = Network(helm.render(*PEERS)), Network(helm.render())
    assert opened.receives(pod_of(service), ELSEWHERE)
    peers = (ELSEWHERE, PROMETHEUS, PROGRAM)
    assert [closed.receives(pod_of(service), peer) for peer in peers] == [False, True, False]


@pytest.mark.parametrize(
    ("sets", "words"),
    [
        ("services.critic.secrets={stages}", "the service critic hold stages"),
        ("services.gateway.secrets={stages}", "the service gateway hold stages"),
        ("services.critic.secrets={provider}", "the service critic hold provider"),
        ("defaults.secrets={provider}", "hold provider"),
        ("stageKeys.existingSecret=provider", "need different Secrets"),
        ("nats.users.existingSecret=stages", "need different Secrets"),
        ("services.critic.secrets={nats-keys}", "the service critic hold nats-keys"),
        ("weaviate.url=http://w:80,weaviate.existingSecret=stages", "need different Secrets"),
    ],
)
def test_a_secret_with_two_purposes_is_refused(each_helm: Helm, sets: str, words: str) -> None:
    known = f"{REQUIRED},model.existingSecret=provider"
    done = each_helm.template("--set", known, "--set", sets)
    assert done.returncode != 0
    assert words in done.stderr


def secret_settings() -> set[str]:
    """Return every variable that holds a secret, in both forms. The NATS URL seldom does."""
    return {
        f"DAYDREAM_{prefix}{name}_{part}".upper().rstrip("_")
        for service in SERVICES
        for name, field in settings_class(service).model_fields.items()
        for part, part_field in getattr(field.annotation, "model_fields", {"": field}).items()
        for prefix in ("", f"{service}_")
        if SecretStr.__name__ in str(part_field.annotation) and name != "nats_url"
    }


def test_no_secret_is_accepted_as_a_value(helm: Helm) -> None:
    names = secret_settings()
    assert {"DAYDREAM_CONSOLE_TOKEN", "DAYDREAM_MODEL_API_KEY", "DAYDREAM_GATEWAY_KEY"} < names
    values = [f"config.{name}" for name in sorted(names)]
    values += ["config.OTEL_EXPORTER_OTLP_HEADERS", "services.critic.env.DAYDREAM_GATEWAY_KEY"]
    for value in values:
        done = helm.template("--set", f"{REQUIRED},{value}=a-key")
        assert (done.returncode != 0, "schema" in done.stderr) == (True, True), value


def test_every_other_setting_is_accepted_as_a_value(helm: Helm) -> None:
    text = (ROOT / ".env.example").read_text()
    others = set(re.findall(r"^#(DAYDREAM_\w+)=", text, re.M)) - secret_settings()
    done = helm.template("--set", ",".join([REQUIRED, *(f"config.{name}=x" for name in others)]))
    assert done.returncode == 0, done.stderr


def notes(helm: Helm, *sets: str) -> str:
    words = ("install", "lab", str(helm.chart), "--namespace", "thinking", "--dry-run=client")
    done = helm.run(*words, "--set", ",".join([REQUIRED, *sets]))
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


def test_the_notes_create_a_secret_with_a_key_per_stage(helm: Helm) -> None:
    (command,) = re.findall(r"^  kubectl -n thinking (create secret .+)$", notes(helm), re.M)
    program = f"kubectl() {{ printf '%s\\n' \"$@\"; }}; kubectl {command}"
    words = run("bash", "-c", program).stdout
    assert words.startswith("create\nsecret\ngeneric\nstages\n--from-literal")
    keys = dict(re.findall(r"^--from-literal=(\w+)=(\w{64})$", words, re.M))
    assert set(keys) == set(STAGES)
    assert len(set(keys.values())) == len(STAGES)


def test_the_notes_say_how_programs_use_the_gateway(helm: Helm) -> None:
    text = notes(helm)
    assert "daydream gateway key add --team" in text
    assert "http://lab-daydream-gateway.thinking/v1" in text
    assert "networkPolicy.gatewayFrom" in text
    assert "networkPolicy.gatewayFrom" not in notes(helm, *PEERS)


@pytest.mark.parametrize("page", ["helm/daydream/README.md", "docs/operations.md"])
def test_the_documented_installation_renders(each_helm: Helm, page: str) -> None:
    """With the chart of this checkout and the Secret that the same page creates."""
    text = (ROOT / page).read_text().replace("\\\n", " ")
    (options,) = re.findall(r"^helm install daydream helm/daydream (.+)$", text, re.M)
    words = [word.strip("'") for word in options.split()]
    done = each_helm.template(*words)
    assert done.returncode == 0, done.stderr
    (created,) = re.findall(r"create secret generic (daydream-stage-keys .+)$", text, re.M)
    assert set(re.findall(r"--from-literal=(\w+)=", created)) == set(STAGES)
    assert f"stageKeys.existingSecret={created.split()[0]}" in words
