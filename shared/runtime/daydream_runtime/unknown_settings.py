"""Find environment variables that look like settings but are not: a typo would go unnoticed.

A name with the prefix of a service is a setting of that service, or a mistake. Any other name is
a mistake only if it is close to the name of a setting. The environment also holds names of the
user's choice, and those that Kubernetes adds for each service of a namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from pydantic import BaseModel

from daydream_runtime.settings import PREFIX, ServiceSettings

CLOSE = 0.88  # difflib's ratio, at most 1
KUBERNETES_SUFFIX = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$"
)


def unknown_settings(
    kinds: Sequence[type[ServiceSettings]], names: Iterable[str], *, everything: bool = False
) -> list[str]:
    """Return one sentence per name that none of these services reads.

    `everything`: these are all services, so a name that is close to a setting is a mistake, and
    not a setting of another service.
    """
    prefixes = {_prefix(kind) for kind in kinds}
    settings = _setting_names(kinds)
    warnings = []
    for name in sorted(set(names) - settings):
        if not name.startswith(PREFIX) or KUBERNETES_SUFFIX.search(name):
            continue
        is_own = name.startswith(tuple(prefixes))
        close = get_close_matches(name, settings, 1, CLOSE) if is_own or everything else []
        if is_own or close:
            hint = f"; did you mean {close[0]}?" if close else ""
            warnings.append(f"{name} is not a setting{hint}")
    return warnings


def _setting_names(kinds: Sequence[type[ServiceSettings]]) -> set[str]:
    return {
        f"{prefix}{field}"
        for kind in kinds
        for field in _fields(kind)
        for prefix in (PREFIX, _prefix(kind))
    }


def _prefix(kind: type[ServiceSettings]) -> str:
    return f"{PREFIX}{kind.service.upper()}_"


def _fields(kind: type[BaseModel]) -> Iterator[str]:
    """Yield the names of a class' fields, including those of nested classes."""
    for name, field in kind.model_fields.items():
        yield name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name.upper()}_{inner}" for inner in _fields(field.annotation))
