"""The schedule of digests with a real NATS server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from daydream_console.digest.config import DigestConfig, DigestPlan
from daydream_console.digest.scheduler import DigestScheduler, ReaderState, is_due
from daydream_contracts.buckets import DIGESTS
from daydream_contracts.rpc import InsightPage, InsightQuery, InsightState
from daydream_contracts.topology import CONSOLE_INSIGHTS
from daydream_runtime.rpc import RpcClient
from support.digests import NOW, summary

PLAN = DigestPlan(name="mine", reader="ada", at=time(7, 30), zone="Europe/Zurich", file="unused")
AT = datetime(2026, 11, 30, 6, 30, tzinfo=UTC)  # half past seven in Zurich


@pytest.mark.parametrize(
    ("late", "done", "due"),
    [
        (timedelta(seconds=-1), None, False),
        (timedelta(), None, True),
        (timedelta(hours=11), None, True),
        (timedelta(hours=13), None, False),
        (timedelta(), AT.date(), False),
        (timedelta(), AT.date() - timedelta(days=1), True),
    ],
)
def test_a_digest_is_due_once_a_day_at_its_local_time_or_somewhat_later(
    late: timedelta, done: object, due: bool
) -> None:
    assert is_due(PLAN, AT + late, done) is due  # type: ignore[arg-type]


@dataclass
class FakeConsole:
    """Answer queries for insights with these, and say what time it is."""

    numbers: list[int]
    now: datetime = AT
    queries: list[InsightQuery] = field(default_factory=list)

    async def answer(self, request: Msg) -> None:
        query = InsightQuery.model_validate_json(request.data)
        self.queries.append(query)
        insights = tuple(summary(number, reached_at=self.now) for number in self.numbers)
        shown = insights if query.reviewed is None else ()
        page = InsightPage(insights=shown[: query.limit], total=len(shown))
        await request.respond(page.model_dump_json().encode())

    def since(self) -> datetime | None:
        """Return the start of the last period that was asked for."""
        return next(
            query.since
            for query in reversed(self.queries)
            if query.since and len(query.states) < len(InsightState)
        )


@dataclass
class Schedules:
    """Consoles that share one bucket."""

    nc: Client
    console: FakeConsole
    folder: Path

    async def one(self, **plan: object) -> DigestScheduler:
        values = {
            "name": "mine",
            "reader": "ada",
            "at": time(7, 30),
            "zone": "Europe/Zurich",
            "top": 2,
            "file": str(self.folder / "{date}.md"),
        }
        js = self.nc.jetstream()
        return DigestScheduler(
            config=DigestConfig(digest=(DigestPlan(**{**values, **plan}),)),
            rpc=RpcClient(self.nc, patience_s=2),
            js=js,
            bucket=await js.key_value(DIGESTS.name),
            password="",
            page_url="",
            pause=asyncio.sleep,
            now=lambda: self.console.now,
        )

    def text(self) -> str:
        return "".join(file.read_text() for file in sorted(self.folder.iterdir()))


@pytest.fixture
async def schedules(nc: Client, tmp_path: Path) -> Schedules:
    console = FakeConsole([1, 2, 3])
    await nc.subscribe(CONSOLE_INSIGHTS.subject, cb=console.answer)
    (tmp_path / "out").mkdir()
    return Schedules(nc, console, tmp_path / "out")


async def test_a_digest_is_sent_once_whichever_console_sends_it(schedules: Schedules) -> None:
    first, second = await schedules.one(), await schedules.one()
    schedules.console.now = AT - timedelta(minutes=1)
    await first.send_due()
    assert not list(schedules.folder.iterdir())
    schedules.console.now = AT
    await first.send_due()
    (file,) = schedules.folder.iterdir()
    file.unlink()
    await second.send_due()
    await first.send_due()
    assert not list(schedules.folder.iterdir())


async def test_a_reader_gets_no_insight_twice_and_the_next_period_begins_where_this_one_ended(
    schedules: Schedules,
) -> None:
    scheduler = await schedules.one()
    await scheduler.send_due()
    assert schedules.console.since() == AT - timedelta(days=1)
    assert "Insight 1" in schedules.text()
    assert "Insight 3" not in schedules.text(), "at most two a day"
    schedules.console.now = AT + timedelta(days=1)
    await scheduler.send_due()
    assert schedules.console.since() == AT
    assert "## 1. Insight 3" in schedules.text()
    assert schedules.text().count("## 1. Insight 1") == 1


async def test_two_digests_for_one_reader_share_the_number_of_a_day(schedules: Schedules) -> None:
    await (await schedules.one()).send_due()
    before = schedules.text()
    await (await schedules.one(name="second", file=str(schedules.folder / "2.md"))).send_due()
    assert schedules.text() == before


async def test_without_news_nothing_is_sent_unless_it_is_asked_for(schedules: Schedules) -> None:
    schedules.console.numbers = []
    await (await schedules.one()).send_due()
    assert not list(schedules.folder.iterdir())
    await (await schedules.one(name="second", empty=True)).send_due()
    assert "Nothing new was found" in schedules.text()


async def test_a_failed_delivery_is_tried_again_after_five_minutes(schedules: Schedules) -> None:
    blocked = schedules.folder / "file"
    blocked.write_text("")
    scheduler = await schedules.one(file=str(blocked / "digest.md"))
    await scheduler.send_due()
    blocked.unlink()
    schedules.console.now = AT + timedelta(minutes=4)
    await scheduler.send_due()
    assert not list(schedules.folder.iterdir())
    schedules.console.now = AT + timedelta(minutes=6)
    await scheduler.send_due()
    assert "Insight 1" in (blocked / "digest.md").read_text()


def test_the_state_of_a_reader_counts_by_day() -> None:
    state = ReaderState(day=NOW.date(), sent_today=3)
    assert state.left(5, NOW.date()) == 2
    assert state.left(5, NOW.date() + timedelta(days=1)) == 5
