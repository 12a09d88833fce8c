"""Which process of one machine gets which secret."""

from __future__ import annotations

import pytest

from daydream_console.local.secret_variables import environment_of

ENVIRONMENT = {
    "DAYDREAM_MODEL_API_KEY": "key",
    "DAYDREAM_CRITIC_MODEL_API_KEY": "key",
    "OPENAI_API_KEY": "key",
    "DAYDREAM_MODEL_HEADERS": '{"x-api-key": "key"}',
    "DAYDREAM_GATEWAY_MODEL_HEADERS": '{"x-api-key": "key"}',
    "DAYDREAM_MODEL_NAME": "m",
    "HOME": "/home/ada",
}


@pytest.mark.parametrize("service", ["sampler", "synthesizer", "critic", "memory", "console"])
def test_only_the_gateway_gets_keys_and_headers_of_providers(service: str) -> None:
    assert environment_of(service, ENVIRONMENT) == {"DAYDREAM_MODEL_NAME": "m", "HOME": "/home/ada"}
    assert environment_of("gateway", ENVIRONMENT) == ENVIRONMENT
