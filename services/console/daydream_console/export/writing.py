"""Write an export: beside the target folder first, and swapped in when complete, so no reader sees
half of one.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from daydream_console.export import formats
from daydream_console.export.card import card
from daydream_console.export.examples import LabelledExample
from daydream_contracts.errors import ConfigurationError

CARD = "README.md"
EXPORT_MARK = "# Daydreams, judged"  # in the card: this folder may be replaced
SIDES = ("train", "test")
PARQUET_FILE = "verdicts.parquet"
FORMATS: dict[str, Callable[[Sequence[LabelledExample]], Iterable[formats.Row]]] = {
    "chat": formats.chat,
    "interesting": lambda examples: formats.chat(examples, prefix=False),
    "preferences": formats.preferences,
    "preferences-openai": lambda examples: map(
        formats.openai_preference, formats.preferences(examples)
    ),
    "kto": formats.kto,
}
ALL = (*FORMATS, "parquet")


def write_export(
    folder: Path,
    examples: Sequence[LabelledExample],
    *,
    wanted: Sequence[str],
    command: str,
    at: datetime,
) -> dict[str, int]:
    """Write the formats and the data card. Return the number of rows by file name.

    Raise ConfigurationError for a folder with other content, or a format whose library is missing.
    """
    if _has_other_content(folder):
        raise ConfigurationError(f"{folder} contains something else", "Choose a new folder")
    partial = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    files: dict[str, int] = {}
    for name in wanted:
        if name == "parquet":
            files[PARQUET_FILE] = _parquet(partial / PARQUET_FILE, list(formats.rows(examples)))
        else:
            files |= _split_files(partial, name, examples)
    (partial / CARD).write_text(card(examples, files, command=command, at=at))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return files


def _has_other_content(folder: Path) -> bool:
    if not folder.exists() or not any(folder.iterdir()):
        return False
    readme = folder / CARD
    return not (readme.exists() and EXPORT_MARK in readme.read_text(errors="replace"))


def _split_files(folder: Path, name: str, examples: Sequence[LabelledExample]) -> dict[str, int]:
    files = {}
    for side in SIDES:
        file = f"{name}-{side}.jsonl"
        rows = FORMATS[name]([example for example in examples if example.side == side])
        if count := _json_lines(folder / file, rows):
            files[file] = count
    return files


def _json_lines(file: Path, rows: Iterable[formats.Row]) -> int:
    """Write the rows and return their number. Leave no file behind if there are none."""
    count = 0
    with file.open("w") as output:
        for row in rows:
            output.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    if not count:
        file.unlink()
    return count


def _parquet(file: Path, rows: Sequence[formats.Row]) -> int:
    try:
        import pyarrow as arrow  # noqa: PLC0415 (optional: 165 MB, which most exports do not need)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "The format parquet needs pyarrow",
            "Run pip install 'daydream-console[export]', or choose other formats with --format",
        ) from None
    parquet.write_table(arrow.Table.from_pylist(list(rows)), file)
    return len(rows)
