"""Who may do what, and what surrounds every answer."""

from __future__ import annotations

import ipaddress

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from daydream_console.settings import ConsoleSettings
from daydream_console.web.access import AccessRules, NamedToken
from daydream_console.web.security import HEADERS, TokenBuckets
from daydream_contracts.errors import ConfigurationError
from support.console import ConsoleFixture

TOKENS = (
    NamedToken.of(SecretStr("ada:writes"), may_write=True),
    NamedToken.of(SecretStr("reads"), may_write=False),
)
LOCKED = AccessRules(tokens=TOKENS)
PROXIED = AccessRules(
    proxies=[ipaddress.ip_network("10.0.0.0/8")], writers=frozenset({"ada@lab.org"})
)
RECORD = {"id": "x", "cost_usd": "1"}


def whoami(client: TestClient) -> str:
    answer = client.get("/api/v1/me")
    return str(answer.json()["who"]) if answer.status_code == 200 else answer.json()["code"]


def write(client: TestClient) -> int:
    return client.post("/api/v1/foreground", json=RECORD).status_code


def test_on_a_loopback_address_no_token_is_needed() -> None:
    assert write(ConsoleFixture().client()) == 202


def test_elsewhere_nothing_works_without_a_token_and_the_answer_says_so() -> None:
    client = ConsoleFixture(AccessRules(loopback_only=False)).client()
    answer = client.get("/api/v1/insights")
    assert (answer.status_code, answer.json()["code"]) == (403, "no-access-configured")
    assert "DAYDREAM_CONSOLE_TOKEN" in answer.json()["fix"]


@pytest.mark.parametrize(
    ("headers", "who", "written"),
    [
        ({}, "unauthorized", 401),
        ({"authorization": "Bearer wrong"}, "unauthorized", 401),
        ({"authorization": "Basic writes"}, "unauthorized", 401),
        ({"authorization": "Bearer reads", "daydream-who": "Bob"}, "Bob", 403),
        ({"authorization": "Bearer writes", "daydream-who": "Bob"}, "ada", 202),
    ],
)
def test_tokens_read_or_write(headers: dict[str, str], who: str, written: int) -> None:
    client = ConsoleFixture(LOCKED).client(**headers)
    assert (whoami(client), write(client)) == (who, written)


def test_signing_in_gives_a_cookie_that_scripts_can_not_read() -> None:
    client = ConsoleFixture(LOCKED).client()
    wrong = client.post("/api/v1/session", json={"token": "wrong"})
    assert wrong.status_code == 401
    answer = client.post("/api/v1/session", json={"token": "writes"})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "writes" not in cookie
    assert (whoami(client), write(client)) == ("ada", 202)
    client.cookies.set("daydream-session", "WyJyb290IiwgOTk5OTk5OTk5OTldCg.forged")
    assert whoami(ConsoleFixture(LOCKED).client(cookie="daydream-session=x.y")) == "unauthorized"


@pytest.mark.parametrize(
    ("address", "user", "expected"),
    [
        ("10.1.2.3", "ada@lab.org", ("ada@lab.org", 202)),
        ("10.1.2.3", "bob@lab.org", ("bob@lab.org", 403)),
        ("10.1.2.3", "", ("unauthorized", 401)),
        ("192.0.2.1", "ada@lab.org", ("unauthorized", 401)),
    ],
)
def test_a_trusted_proxy_names_the_person(
    address: str, user: str, expected: tuple[str, int]
) -> None:
    app = ConsoleFixture(PROXIED).app
    client = TestClient(app, client=(address, 1), headers={"x-forwarded-user": user})
    assert (whoami(client), write(client)) == expected


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}],
)
def test_a_change_that_another_site_sends_is_refused(headers: dict[str, str]) -> None:
    console = ConsoleFixture()
    answer = console.client(**headers).post("/api/v1/foreground", json=RECORD)
    assert (answer.status_code, answer.json()["code"]) == (403, "cross-site")
    assert console.published == []
    assert console.client(**headers).get("/api/v1/insights").status_code == 200


def test_every_answer_has_the_security_headers() -> None:
    client = ConsoleFixture(LOCKED).client()
    signed_in = ConsoleFixture().client()
    answers = [
        client.get("/api/v1/insights"),
        client.get("/nothing"),
        client.post("/feed.json"),
        signed_in.get("/"),
        signed_in.get("/api/v1/insights"),
        signed_in.get("/static/app.js"),
        signed_in.get("/static/../app.py"),
        signed_in.post("/api/v1/foreground", json={}),
        signed_in.get("/", headers={"host": "evil.example"}),
    ]
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 404, 405, 421}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert "cache-control" in answer.headers
    assert "unsafe" not in HEADERS["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:8080", 200),
        ("127.0.0.1:8080", 200),
        ("[::1]:8080", 200),
        ("10.0.0.7", 200),
        ("console.lab.org", 200),
        ("evil.example", 421),
        ("", 421),
    ],
)
def test_only_known_host_names_are_answered(host: str, status: int) -> None:
    client = ConsoleFixture(hosts=["console.lab.org"]).client()
    assert client.get("/api/v1/me", headers={"host": host}).status_code == status


def test_too_many_requests_are_refused_for_a_moment() -> None:
    client = ConsoleFixture(buckets=TokenBuckets(0.001, 3)).client()
    statuses = [client.get("/api/v1/me").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_behind_a_proxy_each_person_has_an_own_limit() -> None:
    rules = AccessRules(proxies=PROXIED.proxies, loopback_only=False)
    console = ConsoleFixture(rules, buckets=TokenBuckets(0.001, 2))
    proxy = TestClient(console.app, client=("10.1.2.3", 5000))
    ada, bob = {"x-forwarded-user": "ada"}, {"x-forwarded-user": "bob"}
    statuses = [proxy.get("/api/v1/me", headers=who).status_code for who in (ada, ada, ada, bob)]
    assert statuses == [200, 200, 429, 200]
    stranger = TestClient(console.app, client=("192.168.0.9", 5000))
    refused = [stranger.get("/api/v1/me", headers=who).status_code for who in (ada, bob, ada)]
    assert refused == [401, 401, 429], "an unknown address can't name persons"


def test_a_person_without_a_session_is_sent_to_the_sign_in_page() -> None:
    client = ConsoleFixture(LOCKED).client(accept="text/html")
    answer = client.get("/insights", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=/insights")
    assert "Sign in" in client.get("/sign-in").text


def test_settings_give_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "TOKEN": "ada:one,two",
        "READ_TOKEN": "three",
        "PROXIES": "10.0.0.7,192.168.0.0/16",
        "WEB_HOST": "0.0.0.0",
    }.items():
        monkeypatch.setenv(f"DAYDREAM_CONSOLE_{name}", value)
    rules = ConsoleSettings().access_rules()
    assert [(token.name, token.secret, token.may_write) for token in rules.tokens] == [
        ("ada", "one", True),
        ("", "two", True),
        ("", "three", False),
    ]
    assert not rules.loopback_only
    assert "one" not in repr(rules)
    monkeypatch.setenv("DAYDREAM_CONSOLE_PROXIES", "nonsense")
    with pytest.raises(ConfigurationError, match="DAYDREAM_CONSOLE_PROXIES"):
        ConsoleSettings().access_rules()
