"""What is run: the model, the arms, the money, and the folder that holds it all.

plan.json    what the folder's benchmark is, so that another one does not continue it
arms/        one data folder of a whole system per run of an arm, and one result each
measure/     the data folder of the ledger and gateway that the matching judge is asked through
answers.jsonl   what it answered

Each file is written once it is complete, so a benchmark that was stopped continues.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daydream_console.bench.arms import Arm, caps_usd
from daydream_console.bench.corpus import BenchCorpus, BenchNote
from daydream_console.bench.size import BenchSize
from daydream_console.local.folder import DataFolder
from daydream_console.local.model import ModelChoice
from daydream_contracts.errors import ConfigurationError
from daydream_contracts.events import NANOUSD_PER_USD

PLAN_FILE = "plan.json"
MEASURING_SHARE = 0.15  # of the cap, for the matching judge and the controls
FREE_INPUT_USD, FREE_OUTPUT_USD = 0.10, 0.40  # per million tokens, counted for a free model
FREE_PRICE = """\
[models."{name}"]
input_usd_per_mtok = {input}
output_usd_per_mtok = {output}
"""


@dataclass(frozen=True)
class BenchPlan:
    """The options of a benchmark. `corpus` is the whole of it."""

    folder: Path
    model: ModelChoice
    corpus: BenchCorpus
    arms: Sequence[Arm]
    runs: int
    cap_usd: float
    seed: int
    size: BenchSize

    @property
    def notes(self) -> list[BenchNote]:
        """Return the notes of each memory."""
        return self.corpus.first(self.size.pairs).notes(self.size.plain_notes)

    @property
    def labelled(self) -> int:
        """Return how many labelled matches the matching judge is asked about."""
        return min(self.size.labelled, len(self.corpus.first(self.size.pairs).matches))

    @property
    def run_cap_nanousd(self) -> int:
        """Return the cap of each run of an arm."""
        usd = caps_usd(self.cap_usd, MEASURING_SHARE, self.arms, self.runs)
        return int(usd * NANOUSD_PER_USD)

    @property
    def measuring_cap_nanousd(self) -> int:
        """Return the cap of everything that is asked to measure the arms."""
        return int(self.cap_usd * MEASURING_SHARE * NANOUSD_PER_USD)

    def data_folder(self, name: str) -> DataFolder:
        """Return the data folder of a run of an arm, or of what measures."""
        return DataFolder(self.folder / name)

    def result_file(self, arm: Arm, run: int) -> Path:
        """Return the file that holds the result of a run once it is complete."""
        return self.folder / "arms" / f"{arm.name}-{run}.json"

    def is_complete(self) -> bool:
        """Return whether every run of every arm has its result."""
        files = (self.result_file(arm, run) for arm in self.arms for run in range(self.runs))
        return all(file.exists() for file in files)

    def claim_folder(self) -> None:
        """Write what this benchmark is into its folder, or check that it is the same.

        The cap may be raised once all arms are complete: then it only adds to what measuring may
        cost. Raise ConfigurationError if the folder holds another benchmark.
        """
        description = {
            "model": self.model.name,
            "corpus": self.corpus.digest,
            "runs": self.runs,
            "cap_usd": self.cap_usd,
            "arms": [arm.name for arm in self.arms],
            "pairs": self.size.pairs,
            "plain_notes": self.size.plain_notes,
            "daydreams_max": self.size.daydreams_max,
            "minutes_max": self.size.minutes_max,
            "seed": self.seed,
        }
        file = self.folder / PLAN_FILE
        if not file.exists():
            (self.folder / "arms").mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(description, indent=1))
        earlier = json.loads(file.read_text())
        changed = [name for name in description if earlier.get(name) != description[name]]
        if changed == ["cap_usd"] and self.is_complete():
            return
        if changed:
            raise ConfigurationError(
                f"{self.folder} holds a benchmark with another {', '.join(changed)}",
                "Use the same options to continue it, or another folder with --data",
            )


def price_of_free_model(plan: BenchPlan) -> Mapping[str, str]:
    """Return settings that count a free model's tokens at a fixed price, and write the price.

    Without a price no arm would ever reach its cap, and nothing could be said per dollar.
    """
    file = plan.folder / "prices.toml"
    file.write_text(
        FREE_PRICE.format(name=plan.model.name, input=FREE_INPUT_USD, output=FREE_OUTPUT_USD)
    )
    return {"DAYDREAM_MODEL_FREE": "false", "DAYDREAM_GATEWAY_PRICES_FILE": str(file)}
