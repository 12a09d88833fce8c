"""An export in a folder: written beside it and put in its place when it is whole, so that nobody reads half of one."""

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
MARK = "# Daydreams, judged"
SIDES = ("train", "test")
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
    """Rows by file. ConfigurationError for a folder that holds something else, or a format whose library is missing."""
    if (
        folder.exists()
        and any(folder.iterdir())
        and not ((folder / CARD).exists() and MARK in (folder / CARD).read_text(errors="replace"))
    ):
        raise ConfigurationError(f"{folder} holds something else", "Give a new folder")
    beside = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    files: dict[str, int] = {}
    for name in wanted:
        if name == "parquet":
            files["verdicts.parquet"] = _parquet(
                beside / "verdicts.parquet", list(formats.rows(examples))
            )
            continue
        for side in SIDES:
            count = _json_lines(
                beside / f"{name}-{side}.jsonl",
                FORMATS[name]([one for one in examples if one.side == side]),
            )
            files |= {f"{name}-{side}.jsonl": count} if count else {}
    (beside / CARD).write_text(card(examples, files, command=command, at=at))
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)
    return files


def _json_lines(file: Path, rows: Iterable[formats.Row]) -> int:
    count = 0
    with file.open("w") as out:
        for count, row in enumerate(rows, 1):  # noqa: B007 (the last number is the count)
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    if not count:
        file.unlink()
    return count


def _parquet(file: Path, rows: Sequence[formats.Row]) -> int:
    try:
        import pyarrow as arrow  # noqa: PLC0415 (an extra: most exports do without its 165 MB)
        from pyarrow import parquet  # noqa: PLC0415
    except ImportError:
        raise ConfigurationError(
            "Parquet needs pyarrow",
            "pip install 'daydream-console[export]', or name the other formats with --format",
        ) from None
    parquet.write_table(arrow.Table.from_pylist(list(rows)), file)
    return len(rows)
