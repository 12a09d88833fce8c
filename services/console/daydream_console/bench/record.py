"""The record of a benchmark: what each arm did, and every answer of the matching judge.

It is enough to compute the table again without a model. `--export` writes it, `--replay` reads it.
"""

from __future__ import annotations

import gzip
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from daydream_contracts.errors import ConfigurationError
from daydream_contracts.rpc import CalibrationProgress

SCHEMA = 1
GZIP_SUFFIX = ".gz"
EXAMPLE_FILE = Path(__file__).with_name("example.json.gz")
GZIP_START = b"\x1f\x8b"


class RecordedDaydream(BaseModel):
    """One hypothesis with its verdict.

    `notes` are the ids of the corpus' notes that it descends from, and `parents` those of each of
    its two facts. `text` is what a reader is shown, and is empty for an abstention.
    """

    notes: tuple[str, ...]
    parents: tuple[tuple[str, ...], tuple[str, ...]]
    strategy: str
    title: str = ""
    text: str = ""
    decision: str
    reason: str = ""
    score: float | None = None
    cost_nanousd: int = 0
    written: tuple[str, ...] = Field(default=(), description="the writer's raw answers")
    judged: tuple[str, ...] = Field(default=(), description="the critic's raw answers")

    @property
    def promoted(self) -> bool:
        return self.decision == "promoted"


class ArmRun(BaseModel):
    """One run of one arm under its cap."""

    arm: str
    run: int
    seed: int
    cap_nanousd: int
    spent_nanousd: int
    seconds: float
    ended: str
    settings: dict[str, str] = Field(default_factory=dict)
    prompts: dict[str, str] = Field(
        default_factory=dict, description="digest of each prompt that was sent, by its name"
    )
    models: dict[str, int] = Field(default_factory=dict, description="calls of each model")
    calibration: CalibrationProgress | None = Field(
        default=None, description="whether its judges were calibrated; None: it is not known"
    )
    daydreams: tuple[RecordedDaydream, ...] = ()


class BenchRecord(BaseModel):
    """All that the table is computed from."""

    schema_version: int = SCHEMA
    version: str
    model: str
    toy: bool = False
    remark: str = Field(default="", description="what a reader must know of how it was made")
    price: str = Field(description="prices of the model, and where they come from")
    notional: bool = Field(
        default=False, description="the model is free, and its dollars are only counted"
    )
    corpus: str = Field(description="digest of the corpus")
    pairs: int = Field(default=0, description="first bridges and decoys in use; 0: all")
    plain_notes: int
    cap_usd: float
    votes: int
    labelled: int
    started_at: datetime
    arms: tuple[str, ...]
    runs: tuple[ArmRun, ...] = ()
    answers: dict[str, str] = Field(
        default_factory=dict, description="answers of the matching judge and of controls, by key"
    )
    measuring_nanousd: int = 0


def write_record(record: BenchRecord, file: Path) -> None:
    """Write the record as JSON, compressed if the name ends with .gz."""
    data = record.model_dump_json(indent=1).encode()
    file.write_bytes(gzip.compress(data, mtime=0) if file.suffix == GZIP_SUFFIX else data)


def read_record(file: Path) -> BenchRecord:
    """Read a record. Raise ConfigurationError for a file that is none, or of another schema."""
    try:
        data = file.read_bytes()
        if data.startswith(GZIP_START):
            data = gzip.decompress(data)
        record = BenchRecord.model_validate_json(data)
    except (OSError, EOFError, ValidationError) as error:
        raise ConfigurationError(
            f"{file} is no record of a benchmark: {str(error).splitlines()[0]}",
            "Pass a file that daydream bench --export wrote",
        ) from None
    if record.schema_version != SCHEMA:
        raise ConfigurationError(
            f"{file} has schema {record.schema_version}, and this version reads {SCHEMA}",
            f"Replay it with daydream {record.version}",
        )
    return record
