"""A real Weaviate server is killed during a run.

Everything waits for it, and nothing is lost or paid for twice.
"""

from __future__ import annotations

import json
import shutil
import time
from functools import partial
from pathlib import Path

import pytest

from support.programs import Daydream, EndpointProgram, priced_endpoint, until
from support.weaviate_server import WHY_NOT, WeaviateServer

pytestmark = pytest.mark.slow
DAYDREAMS = 30
OUTAGE_S = 6


def _has_answered(endpoint: EndpointProgram, count: int) -> bool:
    return endpoint.witness()["answered"] >= count


@pytest.mark.fault("F22", invariant="a killed server loses no verdict")
def test_a_run_continues_when_the_server_is_back(tmp_path: Path) -> None:
    binary = shutil.which("weaviate")
    if binary is None:
        pytest.skip(WHY_NOT)
    server = WeaviateServer(tmp_path / "weaviate", binary)
    server.start()
    settings = server.settings()
    where = {
        "DAYDREAM_MEMORY_WEAVIATE_URL": settings.url,
        "DAYDREAM_MEMORY_WEAVIATE_GRPC_URL": settings.grpc_url,
    }
    with priced_endpoint(tmp_path, delay_s=0.3) as endpoint:
        daydream = Daydream(tmp_path / "user", endpoint, **where)
        running = daydream.start("run", "-n", str(DAYDREAMS), "--cap", "1", "--json")
        for answered in (10, 20):
            until(
                partial(_has_answered, endpoint, answered),
                f"{answered} answers",
                60,
            )
            server.kill()
            time.sleep(OUTAGE_S)  # how long the server is down; nothing to poll for
            server.start()
        output, errors = running.communicate(timeout=110)
        assert running.returncode == 0, errors
        assert "is started again" not in errors, "no service ends because of it"
        run = json.loads(output)
        assert (run["daydreams"], run["dead_letters"]) == (DAYDREAMS, 0)
        assert run["budget"]["settled_nanousd"] == endpoint.witness()["cost_nanousd"]
    server.kill()
