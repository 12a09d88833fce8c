"""Variables that look like settings and are none. Nobody would notice them: what they were to set stays as it was.

A name that begins like those of one service is its setting or a mistake; any other is one only if it is nearly the name of a setting, for the environment
holds other things too: keys under names of the user's choice, and what Kubernetes adds for each service of a namespace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

from pydantic import BaseModel

from daydream_runtime.settings import PREFIX, ServiceSettings

NEAR = 0.88  # of 1, by difflib's ratio
OF_KUBERNETES = re.compile(
    r"_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)$"
)


def unknown_settings(
    kinds: Sequence[type[ServiceSettings]], names: Iterable[str], *, everything: bool = False
) -> list[str]:
    """What is to be said of names that none of these services reads, a sentence each. `everything`: these are all services there are, so a name that
    belongs to none of them can be told from one of another service."""
    own = {f"{PREFIX}{kind.service.upper()}_" for kind in kinds}
    known = {
        f"{prefix}{field}"
        for kind in kinds
        for field in _fields(kind)
        for prefix in (PREFIX, f"{PREFIX}{kind.service.upper()}_")
    }
    found = []
    for name in sorted(set(names) - known):
        if not name.startswith(PREFIX) or OF_KUBERNETES.search(name):
            continue
        certain = name.startswith(tuple(own))
        meant = get_close_matches(name, known, 1, NEAR) if certain or everything else []
        if certain or meant:
            found.append(
                f"{name} is not a setting" + (f"; did you mean {meant[0]}?" if meant else "")
            )
    return found


def _fields(kind: type[BaseModel]) -> Iterator[str]:
    """The names under which a class' fields are set, those of classes within it included."""
    for name, field in kind.model_fields.items():
        yield name.upper()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from (f"{name.upper()}_{inner}" for inner in _fields(field.annotation))
