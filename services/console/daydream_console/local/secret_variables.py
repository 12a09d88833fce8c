"""Who gets which secret on this machine: each process only those that it needs.

Keys of providers go to the gateway alone. Each stage has a key for the gateway, derived from the
folder's own secret. The rest of the environment is the same for all.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from daydream_contracts.grants import SERVICES
from daydream_models.stage_plans import ORACLE

GATEWAY = "gateway"
STAGES = ("synthesizer", "critic", ORACLE, "memory")
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
OWN_PREFIXES = ("DAYDREAM_", "OTEL_")
# Headers of a provider often carry a key.
PROVIDER_KEYS = re.compile(r"^(OPENAI_API_KEY|DAYDREAM_(\w+_)?MODEL_(API_KEY|HEADERS))$")
NATS_SETTING = re.compile(rf"^DAYDREAM_(({'|'.join(SERVICES).upper()})_)?(NATS_\w+|TENANT)$")
WEAVIATE_KEY = "DAYDREAM_MEMORY_WEAVIATE_API_KEY"
CONSOLE_TOKEN = "DAYDREAM_CONSOLE_TOKEN"  # noqa: S105 (a name)
CONSOLE_READ_TOKEN = "DAYDREAM_CONSOLE_READ_TOKEN"  # noqa: S105 (a name)
SMTP_PASSWORD = "DAYDREAM_CONSOLE_SMTP_PASSWORD"  # noqa: S105 (a name)
ONE_SERVICE_ONLY = {
    WEAVIATE_KEY: "memory",
    CONSOLE_TOKEN: "console",
    CONSOLE_READ_TOKEN: "console",
    SMTP_PASSWORD: "console",
}


def without_nats(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without settings of another NATS: this machine has its own."""
    return {name: value for name, value in environment.items() if not NATS_SETTING.match(name)}


def stage_keys(secret: str) -> dict[str, str]:
    """Return each stage's key for the gateway, derived without revealing the folder's secret."""
    return {
        stage: hashlib.sha256(f"gateway {stage} {secret}".encode()).hexdigest() for stage in STAGES
    }


def environment_of(
    service: str,
    environment: Mapping[str, str],
    keys: Mapping[str, str] = MappingProxyType({}),
    gateway_url: str = "",
) -> dict[str, str]:
    """Return the environment of a process."""
    own = _without_secrets(service, environment)
    if service == GATEWAY:
        own |= {f"DAYDREAM_GATEWAY_STAGE_KEYS_{stage.upper()}": key for stage, key in keys.items()}
    elif service in keys:
        own |= {"DAYDREAM_GATEWAY_URL": gateway_url, "DAYDREAM_GATEWAY_KEY": keys[service]}
    return own


def _without_secrets(service: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without secrets that are not this service's."""
    named = _named_by_providers_file(environment)
    return {name: value for name, value in environment.items() if _may_have(service, name, named)}


def _may_have(service: str, name: str, named: frozenset[str]) -> bool:
    if name in named or PROVIDER_KEYS.match(name):
        return service == GATEWAY
    if name in ONE_SERVICE_ONLY:
        return service == ONE_SERVICE_ONLY[name]
    return name.startswith(OWN_PREFIXES) or not SECRET_NAME.search(name)


def _named_by_providers_file(environment: Mapping[str, str]) -> frozenset[str]:
    """Return the variables from which a providers file takes keys.

    The gateway itself says what is wrong with a file that can't be read.
    """
    file = environment.get("DAYDREAM_GATEWAY_PROVIDERS_FILE") or environment.get(
        "DAYDREAM_PROVIDERS_FILE"
    )
    try:
        tables = tomllib.loads(Path(file).read_text("utf-8")).get("provider", []) if file else []
    except (OSError, ValueError):
        return frozenset()
    return frozenset(str(table["api_key_env"]) for table in tables if "api_key_env" in table)
