"""Canary hypotheses: the bundled set, or a lab's own.

A folder holds `bridges.toml` and `decoys.toml`, each with one `[[canary]]` table per hypothesis.

The bundled ones are matched pairs: a bridge and the decoy at the same place share a fact and most
words. So neither length, closeness of the facts, shared or rare words, punctuation nor readability
tells the kinds apart (`make bench-daydream`: `canary_confound_auc_max`), only judgement does.
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
from daydream_contracts.events import LinkKind, derive_id

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
    def read(cls, folder: str = "", setting: str = "") -> CanarySet:
        """Read both lists from a folder that `setting` names, or the bundled ones.

        Raise ConfigurationError when a list can't be read or is empty.
        """
        return cls(*(_read_list(folder, kind, setting) for kind in ("bridges", "decoys")))

    def of(self, kind: Kind) -> tuple[CanaryCase, ...]:
        """Return all of a kind."""
        return self.bridges if kind == "bridge" else self.decoys

    @property
    def digest(self) -> str:
        """Return a digest of all texts: another set is another calibration."""
        texts = [case.model_dump_json() for case in (*self.bridges, *self.decoys)]
        return derive_id("canary set", *texts)

    def first(self, count: int) -> CanarySet:
        """Return the first `count` of each kind."""
        return CanarySet(self.bridges[:count], self.decoys[:count])

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


def _read_list(folder: str, name: str, setting: str) -> tuple[CanaryCase, ...]:
    file = (Path(folder) if folder else files("daydream_models") / "canaries") / f"{name}.toml"
    try:
        tables = tomllib.loads(file.read_text("utf-8"))["canary"]
        cases = tuple(CanaryCase.model_validate(table) for table in tables)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"can't read {file}: {error!r}",
            f"{setting} needs a bridges.toml and decoys.toml with [[canary]]",
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
            f"Add [[canary]] tables, or leave {setting} empty",
        )
    return cases
