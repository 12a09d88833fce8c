"""The planted hypotheses: those that come along, or a lab's own (`bridges.toml` and `decoys.toml` of a folder, a `[[canary]]` table for each)."""

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
    """One of the list: a link that holds, or one that only looks like it."""

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
        """From a folder; none given: those that come along. ConfigurationError when a list can't be read, or is empty."""
        return cls(*(_listed(folder, kind) for kind in ("bridges", "decoys")))

    def of(self, kind: Kind) -> tuple[CanaryCase, ...]:
        """All of a kind."""
        return self.bridges if kind == "bridge" else self.decoys

    def at(self, number: int) -> tuple[Kind, CanaryCase]:
        """The one that is sent as the `number`-th: kinds by turns in a random order of two, each list shuffled anew for each round through it."""
        pair, second = divmod(number, 2)
        first_is_bridge = random.Random(f"turn {pair}").random() < 0.5
        kind: Kind = "bridge" if first_is_bridge != bool(second) else "decoy"
        listed = self.of(kind)
        lap, place = divmod(pair, len(listed))
        order = random.Random(f"{kind} {lap}").sample(range(len(listed)), len(listed))
        return kind, listed[order[place]]


def _listed(folder: str, name: str) -> tuple[CanaryCase, ...]:
    file = (Path(folder) if folder else files("daydream_sampler") / "canaries") / f"{name}.toml"
    try:
        listed = tuple(
            CanaryCase.model_validate(one)
            for one in tomllib.loads(file.read_text("utf-8"))["canary"]
        )
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"can't read {file}: {error!r}",
            "DAYDREAM_SAMPLER_CANARY_FOLDER needs bridges.toml and decoys.toml of [[canary]] tables",
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ConfigurationError(
            f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}",
            "Give each [[canary]] all its texts",
        ) from None
    if not listed:
        raise ConfigurationError(
            f"{file} has no canaries",
            "Write a [[canary]] table for each, or leave DAYDREAM_SAMPLER_CANARY_FOLDER empty",
        )
    return listed
