"""The data folder of a running system: a second start, and its removal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.programs import Daydream, priced_endpoint, until

DRAWS = {"DAYDREAM_SAMPLER_ENABLED": "true"}


def is_alive(pid: int) -> bool:
    """Return whether a process runs. One that has ended may wait for its parent."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.slow
@pytest.mark.fault("F37", invariant="a second start is refused and the first one continues")
@pytest.mark.fault("F36", invariant="the system says that its folder is gone, and all of it ends")
def test_a_second_start_is_refused_and_a_removed_folder_ends_the_system(tmp_path: Path) -> None:
    with priced_endpoint(tmp_path, delay_s=0.2) as endpoint:
        daydream = Daydream(tmp_path / "user", endpoint, **DRAWS)
        running = daydream.start("run", "-n", "400", "--cap", "1")
        until(lambda: endpoint.witness()["answered"] >= 6, "some answers", 180)
        pids = daydream.processes()
        second = daydream("up", "--port", "0", "--cap", "1")
        assert second.returncode == 2
        assert "already running" in second.stderr
        assert daydream.processes() == pids
        shutil.rmtree(daydream.data, ignore_errors=True)
        _, errors = running.communicate(timeout=60)
        assert running.returncode == 2, errors
        assert "was removed while daydream was running" in errors
        until(lambda: not any(map(is_alive, pids.values())), "all services to end", 30)
