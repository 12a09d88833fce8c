"""Draw schedules: cheap hours, also over midnight and a clock change; idle servers, without
flapping.
"""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from daydream_contracts.errors import ConfigurationError
from daydream_sampler.scheduling.calendar import Hours, PriceTable
from daydream_sampler.scheduling.idle import VLLM, Idle, IdleThresholds, load_of
from daydream_sampler.settings import SamplerSettings

ZURICH = ZoneInfo("Europe/Zurich")
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
AT = IdleThresholds(idle_at=1, busy_at=4, idle_after_s=30, poll_s=2, catch_up=3)


async def test_hours_over_midnight_are_cheap_on_both_sides() -> None:
    hours = Hours.parse(["22-6", "12-13"], ZURICH)
    cheap = {
        hour
        for hour in range(24)
        if await hours.wait(datetime(2026, 6, 1, hour, 30, tzinfo=ZURICH)) is None
    }
    assert cheap == {22, 23, 0, 1, 2, 3, 4, 5, 12}
    wait = await hours.wait(datetime(2026, 6, 1, 13, 30, tzinfo=ZURICH))
    assert wait is not None
    assert wait.until == datetime(2026, 6, 1, 22, tzinfo=ZURICH)


async def test_hours_follow_the_time_zone_after_a_clock_change() -> None:
    hours = Hours.parse(["2-4"], ZURICH)
    assert await hours.wait(datetime(2026, 3, 28, 1, 30, tzinfo=UTC)) is None, "02:30 in winter"
    assert await hours.wait(datetime(2026, 3, 30, 0, 30, tzinfo=UTC)) is None, "02:30 in summer"
    assert await hours.wait(datetime(2026, 3, 29, 1, 30, tzinfo=UTC)) is None, (
        "03:30 on the day that has no 02:30"
    )


@pytest.mark.parametrize("text", ["22", "22-22", "5-25", "night", ""])
def test_invalid_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no span of hours"):
        Hours.parse([text], ZURICH)


async def test_a_price_table_says_when_the_next_cheap_hour_begins(
    tmp_path: Path,
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text(
        "Start,Price,area\n2026-06-01T12:00,0.30,CH\n"
        "2026-06-01T13:00,0.10,CH\n2026-06-01T14:00,0.20,CH\n"
    )
    table = PriceTable(file, 0.15, ZoneInfo("UTC"))
    wait = await table.wait(NOON + timedelta(minutes=5))
    assert wait is not None
    assert (wait.until, wait.text) == (NOON + timedelta(hours=1), "the price is 0.3, above 0.15")
    assert await table.wait(NOON + timedelta(hours=1)) is None
    late = await table.wait(NOON + timedelta(hours=3))
    assert late is not None
    assert (late.until, late.text) == (None, "the price table has no price for now")


async def test_a_replaced_table_is_read_again_and_a_broken_one_is_ignored(
    tmp_path: Path,
) -> None:
    file = tmp_path / "prices.csv"
    file.write_text("start,price\n2026-06-01T12:00Z,0.30\n")
    table = PriceTable(file, 0.15, ZoneInfo("UTC"))
    assert await table.wait(NOON) is not None
    file.write_text("start,price\n2026-06-01T12:00Z,0.05\n")
    os.utime(file, (1, 1))
    assert await table.wait(NOON) is None
    file.write_text("<html>no table today</html>")
    os.utime(file, (2, 2))
    assert await table.wait(NOON) is None
    with pytest.raises(ConfigurationError, match="start and price"):
        PriceTable(file, 0.15, ZoneInfo("UTC"))


async def test_servers_must_be_calm_for_a_time_and_do_not_flap_between_thresholds() -> None:
    load = {"now": 0.0}
    idle = Idle(lambda: load["now"], AT)
    drawn = []
    for second, value in [
        (0, 0),
        (28, 1),
        (30, 1),
        (40, 3),
        (50, 4),
        (52, 5),
        (54, 3),
        (60, 0),
        (80, 2),
        (82, 0),
        (100, 0),
        (112, 0),
    ]:
        load["now"] = value
        drawn.append((second, await idle.wait(NOON + timedelta(seconds=second)) is None))
    assert [second for second, open_ in drawn if open_] == [30, 40, 50, 112], (
        "busy from 52 on; calm at 60, not at 80, and from 82 on"
    )


async def test_catching_up_lasts_as_long_as_the_busy_spell() -> None:
    load = {"now": 9.0}
    idle = Idle(lambda: load["now"], AT)
    for second in range(0, 100, 2):
        load["now"] = 9 if second < 60 else 0
        await idle.wait(NOON + timedelta(seconds=second))
    assert await idle.wait(NOON + timedelta(seconds=100)) is None
    assert idle.ahead(NOON + timedelta(seconds=100)) == 3
    assert idle.ahead(NOON + timedelta(seconds=90 + 89)) == 3
    assert idle.ahead(NOON + timedelta(seconds=90 + 91)) == 1


async def test_servers_are_polled_rarely_and_no_answer_counts_as_busy() -> None:
    polls = []

    def load() -> float:
        polls.append(1)
        if len(polls) > 2:
            raise OSError("connection refused")
        return 0

    idle = Idle(load, IdleThresholds(idle_at=1, busy_at=4, idle_after_s=0, poll_s=2, catch_up=1))
    assert await idle.wait(NOON) is None
    assert await idle.wait(NOON + timedelta(seconds=1)) is None
    assert len(polls) == 1
    assert await idle.wait(NOON + timedelta(seconds=2)) is None
    wait = await idle.wait(NOON + timedelta(seconds=4))
    assert wait is not None
    assert "connection refused" in wait.text


METRICS = """# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 3.0
vllm:num_requests_running{engine="1",model_name="m"} 2.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
"""


@pytest.fixture
def server() -> Iterator[str]:
    """A server with vLLM's metrics, and others elsewhere."""

    class FakeMetrics(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(METRICS.encode() if self.path == "/metrics" else b"up 1\n")

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), FakeMetrics) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_the_load_is_the_sum_of_running_and_waiting_requests_of_all_servers(server: str) -> None:
    assert load_of([f"{server}/metrics", f"{server}/metrics"], VLLM) == 12
    with pytest.raises(ValueError, match="none of the metrics"):
        load_of([f"{server}/other"], VLLM)
    with pytest.raises(OSError, match="refused"):
        load_of(["http://127.0.0.1:9/metrics"], VLLM)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"schedule": "idle"}, "idle_metrics_urls"),
        ({"schedule": "idle", "idle_metrics_urls": "file:///etc/passwd"}, "http"),
        ({"idle_at": 9, "busy_at": 3}, "busy_at is below"),
        ({"zone": "Mars/Base"}, "time zone"),
        ({"cheap_hours": "all night"}, "no span of hours"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        SamplerSettings(**settings)  # type: ignore[arg-type]
