"""What a platform adds to the chart: a way in for people, a proxy, its own users and containers."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.environment import SERVICES
from deploy.network import Network, Stranger, pod_of
from deploy.programs import REQUIRED, Helm, Object, environment_of, named

HOST = "ingress.host=dreams.lab.example"
OUTSIDE = Stranger()
USER = {"runAsUser", "runAsGroup", "fsGroup"}


def all_pods(objects: list[Object]) -> dict[str, Any]:
    """Return the pod of each Deployment, of the job that provisions, and of `helm test`."""
    made = {**named(objects, "Deployment"), **named(objects, "Job")}
    templates = {name: item["spec"]["template"]["spec"] for name, item in made.items()}
    return templates | {name: item["spec"] for name, item in named(objects, "Pod").items()}


def test_people_reach_the_console_and_nothing_else_through_the_ingress(each_helm: Helm) -> None:
    secret = "ingress.tlsSecret=dreams-tls"
    objects = each_helm.render("ingress.enabled=true", HOST, secret, "ingress.className=nginx")
    spec = named(objects, "Ingress")["console"]["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"hosts": ["dreams.lab.example"], "secretName": "dreams-tls"}]
    (rule,) = spec["rules"]
    (path,) = rule["http"]["paths"]
    service = named(objects, "Service")["console"]
    assert rule["host"] == "dreams.lab.example"
    assert path["backend"]["service"] == {
        "name": service["metadata"]["name"],
        "port": {"number": service["spec"]["ports"][0]["port"]},
    }


def test_an_http_route_leads_to_the_console(helm: Helm) -> None:
    """The Gateway API has no schema here, so all of the object is asserted."""
    parents = "ingress.httpRoute.parentRefs[0].name=lab"
    objects = helm.render("ingress.httpRoute.enabled=true", HOST, parents)
    route = named(objects, "HTTPRoute")["console"]
    assert route["apiVersion"] == "gateway.networking.k8s.io/v1"
    assert route["spec"] == {
        "parentRefs": [{"name": "lab"}],
        "hostnames": ["dreams.lab.example"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": "lab-daydream-console", "port": 80}],
            }
        ],
    }
    assert not named(objects, "Ingress")


@pytest.mark.parametrize(
    ("sets", "reason"),
    [
        ("ingress.enabled=true", "ingress.host is required"),
        (f"ingress.httpRoute.enabled=true,{HOST}", "ingress.httpRoute.parentRefs is required"),
        (
            "keda.enabled=true,keda.monitoringEndpoint=nats:8222,"
            "keda.services.critic.minReplicas=9,keda.services.critic.maxReplicas=3",
            "keda.services.critic: minReplicas 9 is more than maxReplicas 3",
        ),
        ("backup.enabled=true", "backup.existingClaim is required"),
        ("proxy.url=http://ada:secret@proxy:3128", "proxy"),
        (r"defaults.podLabels.app\.kubernetes\.io/component=critic", "podLabels"),
        ("defaults.sidecars[0].image=x", "sidecars"),
    ],
)
def test_what_can_not_work_is_refused(each_helm: Helm, sets: str, reason: str) -> None:
    done = each_helm.template("--set", REQUIRED, "--set", sets)
    assert done.returncode != 0
    assert reason in done.stderr


def test_the_gateway_alone_uses_the_proxy_and_reaches_it(helm: Helm) -> None:
    sets = ("proxy.url=http://proxy:3128", "proxy.except={.lab.example,10.0.0.0/8}")
    objects = helm.render(*sets)
    environments = {name: environment_of(objects, name) for name in SERVICES}
    proxied = {name: own for name, own in environments.items() if "HTTPS_PROXY" in own}
    assert set(proxied) == {"gateway"}
    assert proxied["gateway"]["HTTPS_PROXY"] == "http://proxy:3128"
    assert proxied["gateway"]["NO_PROXY"] == ".lab.example,10.0.0.0/8"
    network = Network(objects)
    assert network.sends(pod_of("gateway"), 3128, OUTSIDE)
    others = (name for name in SERVICES if name != "gateway")
    assert not [name for name in others if network.sends(pod_of(name), 3128, OUTSIDE)]


def test_backups_are_made_with_their_own_key_on_their_own_volume(each_helm: Helm) -> None:
    objects = each_helm.render("backup.enabled=true", "backup.existingClaim=backups")
    job = named(objects, "CronJob")["backup"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in job["volumes"]}
    assert volumes["backup"]["persistentVolumeClaim"] == {"claimName": "backups"}
    (source,) = volumes["nats"]["projected"]["sources"]
    assert source["secret"]["items"] == [{"key": "backup.nk", "path": "user.nk"}]
    (container,) = job["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "daydream-nats-backup save" in container["command"][-1]
    assert not {"envFrom"} - set(container), "it finds NATS as the services do"
    assert Network(objects).sends(pod_of("backup"), 4222, OUTSIDE)
    assert not named(each_helm.render(), "CronJob")


def test_the_platform_may_choose_the_user(helm: Helm) -> None:
    for name, pod in all_pods(helm.render()).items():
        assert {pod["securityContext"][key] for key in USER} == {10001}, name
    for name, pod in all_pods(helm.render("fixedUser=false")).items():
        assert not USER & set(pod["securityContext"]), name
        assert pod["securityContext"]["runAsNonRoot"] is True, name


def test_volumes_labels_and_sidecars_are_added_to_a_service(helm: Helm) -> None:
    objects = helm.render(
        "services.gateway.extraVolumes[0].name=authorities",
        "services.gateway.extraVolumes[0].configMap.name=lab-ca",
        "services.gateway.extraVolumeMounts[0].name=authorities",
        "services.gateway.extraVolumeMounts[0].mountPath=/etc/lab",
        "services.gateway.env.SSL_CERT_FILE=/etc/lab/ca.crt",
        "services.gateway.sidecars[0].name=mesh",
        "services.gateway.sidecars[0].image=mesh:1",
        "services.gateway.podLabels.team=platform",
    )
    template = named(objects, "Deployment")["gateway"]["spec"]["template"]
    own, sidecar = template["spec"]["containers"]
    assert template["metadata"]["labels"]["team"] == "platform"
    assert sidecar == {"name": "mesh", "image": "mesh:1"}
    assert {"name": "authorities", "mountPath": "/etc/lab"} in own["volumeMounts"]
    assert {"name": "authorities", "configMap": {"name": "lab-ca"}} in template["spec"]["volumes"]
    assert environment_of(objects, "gateway")["SSL_CERT_FILE"] == "/etc/lab/ca.crt"
    assert "mesh" not in str(named(objects, "Deployment")["critic"])
