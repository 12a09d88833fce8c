"""Write docs/threat-model.md: who can do what with which credential.

What a service's NATS user may do comes from the table of permissions, and the tests behind each
defence are checked to exist. `make reference` writes it; a test keeps it equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import typer

from daydream_contracts import grants
from daydream_contracts.topology import ROUTES
from support.fault_marks import TESTS

PAGE = TESTS.parent / "docs" / "threat-model.md"
FIX = "make reference"
INTRO = (TESTS / "deploy" / "threat_model_intro.md").read_text()
DEFENCES_HEAD = """
## What is defended

| who tries | what | what stops it | shown by |
|---|---|---|---|
"""
OPEN = (TESTS / "deploy" / "threat_model_open.md").read_text()


@dataclass(frozen=True)
class Defence:
    """A threat, its defence, and the test that shows it, as file and function."""

    attacker: str
    act: str
    defence: str
    file: str
    test: str


DEFENCES = (
    Defence(
        "a stolen NATS user",
        "publish an event, a verdict or a ledger entry that is not its own",
        "permissions of the server",
        "integration/test_nats_users.py",
        "test_a_forbidden_publish_is_refused",
    ),
    Defence(
        "a stolen NATS user",
        "read requests, replies and messages of others",
        "permissions, one inbox for each user",
        "integration/test_nats_users.py",
        "test_a_forbidden_subscription_is_refused",
    ),
    Defence(
        "another team",
        "read or write the streams of a tenant",
        "a name and users for each tenant",
        "e2e/test_tenants.py",
        "test_two_teams_daydream_side_by_side_with_a_user_for_each_service",
    ),
    Defence(
        "a forger with access to the ledger's stream",
        "add or change an entry",
        "a chain of digests; a commit that does not follow stops all grants",
        "processes/test_ledger_repair.py",
        "test_a_forged_commit_without_the_digest_before_it_is_unreadable",
    ),
    Defence(
        "a damaged disk",
        "lose spending, so that it is granted again",
        "the end of the stream is compared with the mirror and with what replicas know",
        "processes/test_damaged_ledger.py",
        "test_a_replica_that_was_behind_does_not_take_the_place_of_lost_entries",
    ),
    Defence(
        "a program with an issued key",
        "spend more than its cap, or pay from a daydream's reservation",
        "the ledger's limits by key; the gateway checks what a key may claim",
        "integration/gateway/test_clients.py",
        "test_a_keys_cap_holds_and_says_so",
    ),
    Defence(
        "a program with an issued key",
        "use another's reservation",
        "refused with 403",
        "integration/gateway/test_clients.py",
        "test_a_program_pays_from_no_reservation",
    ),
    Defence(
        "a reader of logs, streams, pages or environments",
        "find a secret",
        "secrets have a type that is never printed, and each process has its own only",
        "e2e/test_secrets.py",
        "test_only_the_gateway_has_the_key_of_the_provider_and_nothing_shows_it",
    ),
    Defence(
        "another user of the machine",
        "read the data folder",
        "0700 and 0600, and a private umask for all services",
        "unit/console/test_folder.py",
        "test_what_is_in_the_folder_is_private_to_its_owner",
    ),
    Defence(
        "a hostile document",
        "use up memory or time, read files, reach the network",
        "a process with limits, without keys, network or files",
        "unit/memory/test_sandbox.py",
        "test_network_files_and_other_processes_are_out_of_reach",
    ),
    Defence(
        "a hostile document",
        "give orders to a model",
        "fences that no text can leave",
        "unit/models/test_prompt.py",
        "test_no_text_breaks_out_of_its_fence",
    ),
    Defence(
        "a web page that the person visits",
        "change something through the browser",
        "requests that change something must come from the console's own pages",
        "unit/console/test_access.py",
        "test_a_change_that_another_site_sends_is_refused",
    ),
    Defence(
        "any sender",
        "crash a service, or store an unbounded number, by a message, request or body",
        "every field has a type and a maximum",
        "contracts/test_hostile_values.py",
        "test_no_value_crashes_a_reader_or_is_unbounded",
    ),
)


def threat_model_page() -> str:
    """Return the page."""
    lines = [INTRO.rstrip(), *_users(), DEFENCES_HEAD.rstrip()]
    for row in DEFENCES:
        shown = f"`tests/{row.file}`<br>`{row.test}`"
        lines.append(f"| {row.attacker} | {row.act} | {row.defence} | {shown} |")
    return "\n".join([*lines, "", OPEN.rstrip()]) + "\n"


def _users() -> Iterator[str]:
    for user in grants.SERVICES:
        published = [f"`{route.subject}`" for route in ROUTES if user in route.publishers]
        if user == grants.LEDGER_WRITER:
            published.append("the ledger")
        asked = [f"`{row.subject}`" for row, who in grants.CALLERS.items() if user in who]
        stored = [f"`{row.name}`" for row, who in grants.BUCKETS.items() if user in who.writers]
        stored += [f"`{name}`" for name, who in grants.OBJECT_STORES.items() if user in who.writers]
        cells = (", ".join(cell) or "nothing" for cell in (published, asked, stored))
        yield f"| {user} | {' | '.join(cells)} |"


def main() -> None:
    """Write the page."""
    PAGE.write_text(threat_model_page())
    typer.echo(PAGE)


if __name__ == "__main__":
    main()
