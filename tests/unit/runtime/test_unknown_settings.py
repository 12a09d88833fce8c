"""Variables that look like settings and are not are reported; all others are not."""

from __future__ import annotations

from importlib import import_module

import pytest

from daydream_console.local.stack import SERVICES, module_of
from daydream_critic.settings import CriticSettings
from daydream_runtime.unknown_settings import unknown_settings

ALL = [
    getattr(import_module(f"{module_of(service)}.settings"), f"{service.capitalize()}Settings")
    for service in SERVICES
]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("DAYDREAM_CRITIC_TARGT_PRECISION", "DAYDREAM_CRITIC_TARGET_PRECISION"),
        ("DAYDREAM_CRITIC_MODEL_REASONING_EFORT", "DAYDREAM_CRITIC_MODEL_REASONING_EFFORT"),
        ("DAYDREAM_CRITIC_WHATEVER", ""),
    ],
)
def test_a_service_knows_all_names_that_begin_like_its_own(name: str, meant: str) -> None:
    for problems in (
        unknown_settings([CriticSettings], [name]),
        unknown_settings(ALL, [name], everything=True),
    ):
        suggestion = f"; did you mean {meant}?" if meant else ""
        assert problems == [f"{name} is not a setting{suggestion}"]


def test_where_all_services_are_known_names_for_all_of_them_are_checked_too() -> None:
    assert unknown_settings(ALL, ["DAYDREAM_PRICE_FILE"], everything=True) == [
        "DAYDREAM_PRICE_FILE is not a setting; did you mean DAYDREAM_PRICES_FILE?"
    ]
    assert unknown_settings([CriticSettings], ["DAYDREAM_PRICE_FILE"]) == [], (
        "it may belong to another service"
    )


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "DAYDREAM_NATS_URL",
        "DAYDREAM_DATA",
        "DAYDREAM_ANTHROPIC_KEY",
        "DAYDREAM_MODEL_NAME",
        "DAYDREAM_GATEWAY_MODEL_API_KEY",
        "DAYDREAM_PANEL_FILE",
        "DAYDREAM_MEMORY_EMBEDDING_NAME",
        "DAYDREAM_CRITIC_SERVICE_HOST",
        "DAYDREAM_CRITIC_SERVICE_PORT_HTTP",
        "DAYDREAM_CRITIC_PORT",
        "DAYDREAM_CRITIC_PORT_8080_TCP_ADDR",
    ],
)
def test_what_is_a_setting_or_has_nothing_to_do_with_one_is_not_told_of(name: str) -> None:
    assert unknown_settings(ALL, [name], everything=True) == []


def test_every_setting_in_the_documented_list_is_known() -> None:
    from deploy.settings_table import sections

    names = [variable for _, rows in sections() for variable, _, _ in rows]
    assert len(names) > 100
    assert unknown_settings(ALL, names, everything=True) == []
