"""Canary hypotheses: the bundled set, or a lab's own.

A folder holds `bridges.toml` and `decoys.toml`, each with one `[[canary]]` table per hypothesis.
"""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field, ValidationError

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import LinkKind

Kind = Literal["bridge", "decoy"]


class CanaryCase(BaseModel):
    """A link that holds (in bridges.toml), or one that only looks as if it did (decoys.toml)."""

    first: str = Field(min_length=1)
    second: str = Field(min_length=1)
    title: str = Field(min_length=1)
    link: LinkKind
    reasoning: str = Field(min_length=1)
    hypothesis: str = Field(min_length=1)
    implication: str = Field(min_length=1)


@dataclass(frozen=True)
class CanarySet:
    """Both lists."""

    bridges: tuple[CanaryCase, ...]
    decoys: tuple[CanaryCase, ...]

    @classmethod
    def read(cls, folder: str = "") -> CanarySet:
        """Read both lists from a folder, or the bundled ones.

        Raise ConfigurationError when a list can't be read or is empty.
        """
        return cls(*(_read_list(folder, kind) for kind in ("bridges", "decoys")))

    def of(self, kind: Kind) -> tuple[CanaryCase, ...]:
        """Return all of a kind."""
        return self.bridges if kind == "bridge" else self.decoys

    def at(self, number: int) -> tuple[Kind, CanaryCase]:
        """Return the canary to send as the `number`-th.

        Of each two, one is a bridge and one a decoy, in a random order. Each list is shuffled again
        for every pass through it.
        """
        pair, second = divmod(number, 2)
        first_is_bridge = random.Random(f"turn {pair}").random() < 0.5
        kind: Kind = "bridge" if first_is_bridge != bool(second) else "decoy"
        cases = self.of(kind)
        lap, place = divmod(pair, len(cases))
        order = random.Random(f"{kind} {lap}").sample(range(len(cases)), len(cases))
        return kind, cases[order[place]]


def _read_list(folder: str, name: str) -> tuple[CanaryCase, ...]:
    file = (Path(folder) if folder else files("daydream_sampler") / "canaries") / f"{name}.toml"
    try:
        tables = tomllib.loads(file.read_text("utf-8"))["canary"]
        cases = tuple(CanaryCase.model_validate(table) for table in tables)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"can't read {file}: {error!r}",
            "DAYDREAM_SAMPLER_CANARY_FOLDER needs a bridges.toml and decoys.toml with [[canary]]",
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigurationError(
            f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            "Give each [[canary]] all its texts",
        ) from None
    if not cases:
        raise ConfigurationError(
            f"{file} has no canaries",
            "Add [[canary]] tables, or leave DAYDREAM_SAMPLER_CANARY_FOLDER empty",
        )
    return cases
