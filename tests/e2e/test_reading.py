"""The morning after: read what a run has found, by every command that shows it."""

from __future__ import annotations

import asyncio
import copy
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from daydream_console.client import connected
from daydream_console.commands_log import latest_commands
from daydream_console.local.folder import DataFolder
from daydream_contracts.events import CommandReceived
from daydream_contracts.grants import CONSOLE
from support.programs import Daydream, priced_endpoint, until

NANO = 1_000_000_000


@pytest.fixture(scope="module")
def daydream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daydream]:
    """Run some daydreams, then keep the services running that answer."""
    folder = tmp_path_factory.mktemp("reading")
    with priced_endpoint(folder) as endpoint:
        daydream = Daydream(folder / "user", endpoint)
        done = daydream("run", "-n", "12", "--cap", "1")
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith("daydream is starting"), "the first line comes before imports"
        with daydream.readers("budget", "memory", "console"):
            yield daydream


def test_insights_are_filtered_ordered_and_paged(daydream: Daydream) -> None:
    everything = daydream.json("insights", "--all")
    assert everything["schema"] == 1
    assert everything["total"] == len(everything["items"]) == 12
    insights = daydream.items("insights", "--since", "1h", "--sort", "score")
    assert insights
    scores = [insight["score"] for insight in insights]
    assert scores == sorted(scores, reverse=True)
    rest = daydream.items("insights", "--sort", "score", "--offset", "1", "--limit", "100")
    assert [insight["insight_id"] for insight in rest] == [
        insight["insight_id"] for insight in insights[1:]
    ]
    assert daydream.json("insights", "--until", "1h")["total"] == 0
    kind = insights[0]["kind"]
    assert {insight["kind"] for insight in daydream.items("insights", "--kind", kind)} == {kind}
    wrong = daydream("insights", "--kind", "joke", "--json")
    assert wrong.returncode == 2
    assert json.loads(wrong.stdout)["fix"]


def test_one_insight_is_shown_in_full_and_its_trace_adds_up(daydream: Daydream) -> None:
    insight = daydream.items("insights", "--limit", "1")[0]
    shown = daydream("insights", "show", insight["insight_id"]).stdout
    for part in ("Why:", "To test:", "Fact 1:", "Judges", "Ancestry", "Cost", "bundled notes/"):
        assert part in shown
    assert max(map(len, shown.splitlines())) > 160, "nothing is wrapped in a pipe"
    trace = daydream.json("trace", insight["verdict_id"])
    assert trace["cost_nanousd"] == insight["cost_nanousd"]
    pair_id = daydream.json("insights", "show", insight["verdict_id"])["verdict"]["hypothesis"][
        "pair"
    ]["pair_id"]
    for name in (pair_id, trace["trace_id"]):
        assert daydream.json("trace", name)["verdict_id"] == trace["verdict_id"]
    texts = [step["text"] for step in trace["items"]]
    assert texts[0].startswith("pair drawn")
    assert any(text.startswith("reserved") for text in texts)
    assert any("promoted" in text for text in texts)
    assert [step["at"] for step in trace["items"]] == sorted(step["at"] for step in trace["items"])


def test_a_digest_shows_the_best_in_every_format(daydream: Daydream) -> None:
    best = daydream.items("insights", "--limit", "1")[0]["title"]
    digest = daydream.json("digest", "--top", "2")
    assert (digest["total"], digest["items"][0]["title"]) == (2, best)
    assert daydream("digest", "--top", "1").stdout.startswith("# daydream: ")
    assert best in daydream("digest", "--format", "html").stdout
    assert json.loads(daydream("digest", "--format", "slack").stdout)["blocks"]


def test_live_events_are_shown_until_ctrl_c(daydream: Daydream) -> None:
    since = ("--since", "1d", "--kind", "promoted", "--kind", "review")
    watching = daydream.start("watch", "--json", *since)
    assert watching.stderr is not None
    assert watching.stdout is not None
    assert json.loads(watching.stdout.readline())["kind"] == "promoted", (
        "what is stored comes first"
    )
    assert "Watching" in watching.stderr.readline()
    verdict = daydream.items("insights", "--limit", "1")[0]["verdict_id"]
    assert daydream("review", verdict, "--accept", "--who", "ada").returncode == 0
    events = (json.loads(line) for line in watching.stdout)
    event = next(event for event in events if event["kind"] == "review")
    assert event["schema"] == 1
    watching.send_signal(signal.SIGINT)
    assert watching.wait(timeout=20) == 130


def test_an_assistant_reads_and_reviews_by_mcp(daydream: Daydream) -> None:
    command, *arguments = daydream.command("mcp")
    program = StdioServerParameters(command=command, args=arguments, env=daydream.environment)

    async def call(client: Client, tool: str, **given: Any) -> Any:
        result = await client.call_tool(tool, given)
        assert not result.is_error, result.content
        return result.structured_content

    async def use() -> None:
        async with Client(program) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert tools == {
                "list_insights",
                "search_insights",
                "show_insight",
                "ask_memory",
                "review_insight",
                "status",
            }
            listed = await call(client, "list_insights", since="1h", limit=3)
            insight = listed["insights"][0]
            assert insight["facts"][0]["source"]
            word = insight["title"].split()[0]
            assert (await call(client, "search_insights", words=word))["total"] >= 1
            hits = await call(client, "ask_memory", text=insight["hypothesis"], limit=2)
            assert len(hits["result"]) == 2
            reviewed = await call(
                client,
                "review_insight",
                insight_id=insight["insight_id"],
                accept=True,
                who="bob",
                note="worth a test",
            )
            assert "bob accepted: worth a test" in reviewed["reviews"]
            shown = await call(client, "show_insight", insight_id=insight["insight_id"])
            assert (shown["title"], shown["reviews"]) == (insight["title"], reviewed["reviews"])
            assert shown["judges"]
            status = await call(client, "status")
            assert status["insights"] >= 1
            assert status["spent_usd"] > 0
            unknown = await client.call_tool("show_insight", {"insight_id": "no-such-id"})
            assert unknown.is_error
            assert "Unknown insight ID" in str(unknown.content)

    asyncio.run(asyncio.wait_for(use(), 120))
    (record,) = [each for each in commands_of(daydream) if each.via == "mcp"]
    assert (record.who, record.why) == ("bob", "worth a test")


def commands_of(daydream: Daydream) -> tuple[CommandReceived, ...]:
    """Return the record of commands of the running system."""
    folder = DataFolder(daydream.data)
    address = folder.nats_address(folder.read("running.json")["nats_url"], CONSOLE)

    async def read() -> tuple[CommandReceived, ...]:
        async with connected(address) as client:
            return (await latest_commands(client.js, 20)).commands

    return asyncio.run(read())


def test_what_goes_into_a_pipe_is_not_wrapped(daydream: Daydream) -> None:
    (insight,) = daydream.items("insights", "--limit", "1")
    narrow = copy.copy(daydream)
    narrow.environment = {**daydream.environment, "COLUMNS": "30"}
    assert insight["hypothesis"] in narrow("insights", "--limit", "1").stdout


def test_a_source_is_erased_as_it_is_printed(daydream: Daydream) -> None:
    fact = daydream.items("insights", "--limit", "1")[0]["first"]
    printed = f"{fact['title']} · {fact['source']}"
    declined = daydream("erase", printed)
    assert declined.returncode == 1
    assert "Erase 1 document and 0 facts for good?" in declined.stderr
    assert "Nothing was erased" in declined.stderr


def test_settings_in_force_are_those_of_the_running_processes(
    daydream: Daydream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAYDREAM_MEMORY_LOG_LEVEL", "debug")
    rows = daydream.items("config", "show", "--service", "memory")
    folder = next(row for row in rows if row["name"] == "folder")
    assert folder["origin"] == "DAYDREAM_MEMORY_FOLDER"
    assert Path(folder["value"]) == daydream.data / "memory"
    assert not [row for row in rows if row["value"] == "debug"]
    assert until(daydream.processes, "the services")
