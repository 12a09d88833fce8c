"""Fixtures: two versions of Helm, and each service in turn."""

from __future__ import annotations

import pytest

from deploy.environment import SERVICES, Reader
from deploy.programs import Helm, tool


@pytest.fixture(scope="session", params=["helm3", "helm4"])
def each_helm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm 3, and then Helm 4."""
    return Helm(tool(request.param), tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm 4, where one version is enough."""
    return Helm(tool("helm4"), tmp_path_factory.mktemp("helm"))


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    """Each service."""
    return str(request.param)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Patch the environment, where settings come from."""
    return Reader(monkeypatch)
