"""The chart lets the oracle reach the catalogue that it searches, and no other service."""

from __future__ import annotations

import pytest

from deploy.environment import SERVICES
from deploy.network import Network, Stranger, pod_of
from deploy.programs import Helm

CATALOGUE = Stranger({"ipBlock": {"cidr": "10.7.0.0/16"}})
PEER = "networkPolicy.literatureTo[0].ipBlock.cidr=10.7.0.0/16"
OTHERS = [service for service in SERVICES if service not in ("oracle", "gateway")]


@pytest.mark.parametrize(
    "setting",
    ["config.DAYDREAM_ORACLE_LITERATURE", "services.oracle.env.DAYDREAM_LITERATURE"],
)
def test_the_oracle_alone_reaches_the_catalogue(each_helm: Helm, setting: str) -> None:
    network = Network(each_helm.render(f"{setting}=openalex", PEER))
    assert network.sends(pod_of("oracle"), 443, CATALOGUE)
    assert not network.sends(pod_of("oracle"), 443, Stranger())
    assert not [name for name in OTHERS if network.sends(pod_of(name), 443, CATALOGUE)]


def test_a_mirror_is_reached_at_its_port(helm: Helm) -> None:
    url = "config.DAYDREAM_ORACLE_LITERATURE_URL=http://mirror.lab:8088/works"
    network = Network(helm.render("config.DAYDREAM_ORACLE_LITERATURE=openalex", url))
    assert network.sends(pod_of("oracle"), 8088, CATALOGUE)
    assert not network.sends(pod_of("oracle"), 443, CATALOGUE)


def test_without_a_catalogue_the_oracle_reaches_nothing_outside(helm: Helm) -> None:
    assert not Network(helm.render(PEER)).sends(pod_of("oracle"), 443, CATALOGUE)
